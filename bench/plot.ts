import { type CustomSeriesOption, init } from 'echarts';
import { conditions } from './report.ts';
import type { Results } from './results.ts';
import { type Spread, spreadOf } from './statistics.ts';

interface Bar {
  name: string;
  title: string;
  spread: Spread;
}

const WIDTH = 860;
const BAR_HEIGHT = 46;
const LEFT = 250;
/** A background of its own: the page around it may be dark. */
const COLORS = { background: '#ffffff', text: '#24292f', line: '#d0d7de', ours: '#0969da', others: '#afb8c1' };
const OURS = ['ours', 'delta'];

/** Draws the medians as bars, each with its least and most, as an SVG; the same results give the same text. */
export function plot(results: Results): string {
  const bars = results.contenders.flatMap(({ name, title, seconds }) => {
    const spread = spreadOf(seconds);
    return spread ? [{ name, title, spread }] : [];
  });
  const text = { color: COLORS.text, fontSize: 13 };
  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: WIDTH,
    height: bars.length * BAR_HEIGHT + 110,
  });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: COLORS.background,
      textStyle: { fontFamily: 'sans-serif' },
      title: {
        text: 'From SQLite to PostgreSQL: seconds, median of the rounds with least and most',
        subtext: conditions(results),
        ...{ left: 16, top: 12, textStyle: { ...text, fontSize: 15 }, subtextStyle: { ...text, fontSize: 11 } },
      },
      grid: { left: LEFT, right: 70, top: 70, bottom: 30 },
      xAxis: { type: 'value', min: 0, axisLabel: text, splitLine: { lineStyle: { color: COLORS.line } } },
      yAxis: {
        type: 'category',
        inverse: true,
        data: bars.map(({ title }) => title),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: COLORS.line } },
        axisLabel: { ...text, width: LEFT - 20, overflow: 'break' },
      },
      series: [
        {
          type: 'bar',
          silent: true,
          barWidth: '55%',
          data: bars.map(({ name, spread }) => ({
            value: spread.median,
            itemStyle: { color: OURS.includes(name) ? COLORS.ours : COLORS.others },
          })),
        },
        whiskers(bars),
      ],
    });
    return `${renumbered(chart.renderToSVGString())}\n`;
  } finally {
    chart.dispose();
  }
}

/** ECharts counts its charts, and the names that it makes up for them, within a process. */
function renumbered(svg: string): string {
  const names = new Map<string, string>();
  return svg.replaceAll(/\bzr\d+-[a-z]+-?\d+/g, (name) => {
    if (!names.has(name)) names.set(name, `name-${names.size}`);
    return names.get(name) as string;
  });
}

/** A line from least to most, with the median beside its end, where no bar covers it. */
function whiskers(bars: Bar[]): CustomSeriesOption {
  return {
    type: 'custom',
    // Above the bars, which would hide the half that lies in them.
    z: 10,
    silent: true,
    data: bars.map(({ spread }, position) => [spread.least, position, spread.most]),
    encode: { x: [0, 2], y: 1 },
    renderItem: (_, api) => {
      const [left = 0, y = 0] = api.coord([api.value(0), api.value(1)]);
      const [right = 0] = api.coord([api.value(2), api.value(1)]);
      const style = { stroke: COLORS.text, lineWidth: 1.5, fill: 'none' };
      const line = (x1: number, y1: number, x2: number, y2: number) =>
        ({ type: 'line', shape: { x1, y1, x2, y2 }, style }) as const;
      const median = bars[Number(api.value(1))]?.spread.median.toFixed(1);
      return {
        type: 'group',
        children: [
          line(left, y, right, y),
          line(left, y - 5, left, y + 5),
          line(right, y - 5, right, y + 5),
          {
            type: 'text',
            style: { text: `${median} s`, x: right + 8, y: y - 7, fill: COLORS.text, fontSize: 13 },
          },
        ],
      };
    },
  };
}
