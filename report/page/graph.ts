import { Graph, layout } from '@dagrejs/dagre';
import type { ReportedExecution, ReportedGraph } from '../report-schema.ts';
import { things } from './figures.ts';
import { type Html, html } from './html.ts';

type GraphState = ReportedGraph['states'][number];
type Way = ReportedGraph['ways'][number];
interface Placed {
  x: number;
  y: number;
  width: number;
  height: number;
}

const NODE_HEIGHT = 24;
const CHARACTER_WIDTH = 7.3;
const NODE_PADDING = 20;

/**
 * The states of a machine and the ways between them, the way taken drawn thick; ways not taken are pale and broken.
 *
 * @param place tells the executions of one page apart
 */
export function graphFigure({ machine, name, graph }: ReportedExecution, place: number): Html {
  if (graph === null) return html`<p>The definition of ${machine} that it ran is not known any more.</p>`;
  const ways = drawnWays(graph);
  const { nodes, lines, width, height } = placed(graph, ways);
  const visited = graph.states.filter(({ visits }) => visits > 0).length;
  const id = `arrow-${place}`;
  return html`<div class="scroll graph" role="region" tabindex="0" aria-label="State graph of ${machine}, ${name}">
<svg role="img" aria-label="The way through ${machine}: ${things(visited, 'state')} of ${graph.states.length}, in the order of the timeline above" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<defs>${['taken', 'failure', 'pale'].map((kind) => html`<marker id="${id}-${kind}" class="${kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z"/></marker>`)}</defs>
${[false, true].map((taken) => ways.map((way, index) => (way.taken === taken ? line(way, lines[index] as string, id) : '')))}
${graph.states.map((state) => node(state, nodes.get(state.name)))}</svg></div>
<p class="more">A thick frame: the execution came here; a broken one: it did not. ✘: it failed here. From most states a failure leads away; such ways are drawn where they were taken, or where no other leads to a state.</p>`;
}

/** Nearly every state has a way for its failure. All of them would hide the others. */
function drawnWays({ startAt, ways }: ReportedGraph): Way[] {
  const reached = new Set([startAt, ...ways.filter((way) => way.kind !== 'failure' || way.taken).map(({ to }) => to)]);
  return ways.filter((way) => {
    if (way.kind !== 'failure' || way.taken) return true;
    if (reached.has(way.to)) return false;
    reached.add(way.to);
    return true;
  });
}

function placed(
  { states }: ReportedGraph,
  ways: Way[],
): { nodes: Map<string, Placed>; lines: string[]; width: number; height: number } {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 18, ranksep: 16, edgesep: 8, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const state of states) {
    graph.setNode(state.name, {
      width: Math.round(labelOf(state).length * CHARACTER_WIDTH) + NODE_PADDING,
      height: NODE_HEIGHT,
    });
  }
  // The way that was taken is to run straight down.
  for (const { from, to, taken } of ways) graph.setEdge(from, to, { weight: taken ? 20 : 1 });
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const nodes = new Map(states.map(({ name }) => [name, graph.node(name) as unknown as Placed]));
  const lines = ways.map(({ from, to }) => {
    const { points } = graph.edge(from, to) as unknown as { points: { x: number; y: number }[] };
    return smooth(points);
  });
  return { nodes, lines, width: Math.ceil(width), height: Math.ceil(height) };
}

/** Through the middles between dagre's points, bent at the points themselves. */
function smooth(points: { x: number; y: number }[]): string {
  const at = ({ x, y }: { x: number; y: number }): string => `${Math.round(x)} ${Math.round(y)}`;
  const [first, ...others] = points as [{ x: number; y: number }, ...{ x: number; y: number }[]];
  const last = others.at(-1) ?? first;
  const bends = others.slice(0, -1).map((point, place) => {
    const next = others[place + 1] ?? last;
    return `Q${at(point)} ${at({ x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 })}`;
  });
  return `M${at(first)}${bends.join('')}L${at(last)}`;
}

const labelOf = ({ name, visits, failed }: GraphState): string =>
  `${failed ? '✘ ' : ''}${name}${visits > 1 ? ` ×${visits}` : ''}`;

function line({ taken, kind }: Way, d: string, id: string): Html {
  const drawn = taken ? (kind === 'failure' ? 'failure' : 'taken') : 'pale';
  return html`<path class="way ${drawn}" d="${d}" marker-end="url(#${id}-${drawn})"/>`;
}

function node(state: GraphState, place: Placed | undefined): Html {
  if (!place) return html``;
  const { x, y, width, height } = place;
  const kind = state.visits === 0 ? 'pale' : state.failed || state.type === 'Fail' ? 'failure' : 'taken';
  return html`<g class="state ${kind}"><title>${state.comment}</title><rect x="${Math.round(x - width / 2)}" y="${Math.round(y - height / 2)}" width="${width}" height="${height}" rx="${state.type === 'Choice' ? 13 : 4}"/><text x="${Math.round(x)}" y="${Math.round(y + 4)}">${labelOf(state)}</text></g>`;
}
