/** The page's only style. It has no address in it, and no rule that a text of the report could reach. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#f7f8f9;--card:#fff;--ink:#1b2127;--soft:#525c67;--line:#d8dde3;--accent:#1d5bb5;--good:#17713f;--bad:#b0261d;--wait:#8a5b00;--work:#3f74c4;--waits:#c9a24a;--shade:#edf0f4;--add:#e3f4e8;--cut:#fbe7e5;--addink:#145c34;--cutink:#8f1f18}
@media (prefers-color-scheme:dark){:root{--bg:#101418;--card:#171c22;--ink:#e4e8ec;--soft:#a3adb8;--line:#2c343d;--accent:#85b4ff;--good:#63d095;--bad:#ff9189;--wait:#e7b85c;--work:#5d93e6;--waits:#b8903a;--shade:#222933;--add:#12301f;--cut:#3a1d1b;--addink:#8fe0b0;--cutink:#ffb3ac}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:auto}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
main,header,footer,nav{max-width:72rem;margin:0 auto;padding:0 1.25rem}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.4rem .8rem;z-index:1}
header{padding-top:2.25rem}
.eyebrow{margin:0 0 .35rem;color:var(--soft);font-size:.875rem}
h1{margin:0 0 .6rem;font-size:clamp(1.5rem,1.1rem + 2vw,2.25rem);line-height:1.2;letter-spacing:-.015em;text-wrap:balance}
.lead{margin:0;max-width:60rem;font-size:1.0625rem}
.badge{display:inline-block;margin:0 0 .8rem;padding:.15rem .7rem;border:1.5px solid currentColor;border-radius:99px;font-size:.875rem;font-weight:600}
.done{color:var(--good)}.back,.held,.running{color:var(--wait)}.stopped,.failed{color:var(--bad)}
.next{margin:1rem 0 0;max-width:60rem}
.next h2{margin:0;font-size:1rem}
.next ul{margin:.2rem 0 0;padding-left:1.25rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));margin:1.5rem 0 0;padding:0;background:var(--card);border:1px solid var(--line);border-radius:8px;overflow:hidden}
.facts div{border:solid var(--line);border-width:0 1px 1px 0;margin:0 -1px -1px 0;padding:.75rem 1rem}
.facts dt{color:var(--soft);font-size:.8125rem}
.facts dd{margin:.1rem 0 0;font-size:1.25rem;font-weight:600;font-variant-numeric:tabular-nums;line-height:1.3}
.facts dd small{display:block;font-size:.8125rem;font-weight:400}
nav ul{display:flex;flex-wrap:wrap;gap:.15rem 1.25rem;margin:1.25rem 0 0;padding:0;list-style:none;font-size:.9375rem}
nav a{display:inline-block;padding:.2rem 0}
section{margin:1.5rem 0 0;padding:1.25rem 1.5rem 1.5rem;background:var(--card);border:1px solid var(--line);border-radius:8px}
h2{margin:0 0 .75rem;font-size:1.25rem;line-height:1.3}
h3{margin:1.25rem 0 .35rem;font-size:1rem}
#timeline h3{margin:1.1rem 0 .35rem;font-size:.9375rem;color:var(--soft)}
h3 small,summary small{font-weight:400}
p{margin:.4rem 0}
small,.more,.legend,.halt{color:var(--soft);font-size:.8125rem}
.figure span{color:var(--soft)}
.figure b{font-size:1.75rem;font-variant-numeric:tabular-nums;letter-spacing:-.01em;margin-right:.35rem}
code,pre,.digest{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.8125rem}
.good{color:var(--good)}.bad{color:var(--bad)}.unknown{color:var(--wait)}
.good,.bad{font-weight:600}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
details{margin:.75rem 0 0}
summary{cursor:pointer;padding:.25rem 0;font-weight:500}
.scroll{overflow:auto;max-width:100%}
table{border-collapse:collapse;width:100%;font-size:.9375rem;overflow-wrap:normal}
th,td{padding:.45rem .9rem .45rem 0;text-align:left;vertical-align:baseline;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--soft);font-size:.8125rem;font-weight:500;white-space:nowrap}
tbody th{font-weight:400}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.good,td.bad{white-space:nowrap}
.digest{color:var(--soft);min-width:19rem;line-height:1.4;overflow-wrap:anywhere;word-break:break-all}
.digest small{font-family:system-ui,sans-serif}
.findings td{border-top:0;padding-top:0}
.findings ul{margin:0;padding-left:1.25rem;max-width:min(60rem,85vw);overflow-wrap:anywhere;color:var(--bad)}
tfoot th,tfoot td{font-weight:600;border-top:2px solid var(--line)}
.axis,.gantt li{display:grid;grid-template-columns:clamp(8rem,24%,17rem) minmax(0,1fr) 11.5rem;gap:0 1rem;align-items:center}
.gantt{margin:0;padding:0;list-style:none}
.gantt li{font-size:.875rem;line-height:1.35;min-height:1.625rem}
.gantt li:hover{background:color-mix(in srgb,var(--shade) 45%,transparent)}
.gantt .name{font-weight:500}
.gantt .inside .name{padding-left:1.1rem;font-weight:400}
.gantt small{font-weight:400}
.gantt svg{display:block;width:100%;height:100%;min-height:1.625rem}
.time{white-space:nowrap;font-variant-numeric:tabular-nums}
.time{display:grid;grid-template-columns:5.2rem 1fr;gap:.5rem;align-items:baseline}
.time b{text-align:right;font-weight:600}
.axis{color:var(--soft);font-size:.75rem;margin-top:.5rem}
.marks{display:flex;justify-content:space-between;white-space:nowrap}
rect.shade{fill:var(--shade)}
rect.work{fill:var(--work)}rect.wait{fill:var(--waits)}rect.failed{fill:var(--bad)}rect.still{fill:none;stroke:var(--wait);stroke-width:2;stroke-dasharray:6 4;vector-effect:non-scaling-stroke}
path.tick,path.fault{fill:none;stroke:var(--card);stroke-width:1;vector-effect:non-scaling-stroke}
path.fault{stroke:var(--bad);stroke-width:2}
.legend{margin:.75rem 0 0}
.key{display:inline-block;width:1.5rem;height:.65rem;margin:0 .15rem 0 .7rem;border-radius:2px;vertical-align:baseline}
.key:first-child{margin-left:0}
.key.work{background:var(--work)}.key.wait{background:var(--waits)}.key.failed{background:var(--bad)}.key.shade{background:var(--shade);border:1px solid var(--line)}
.key.tick{background:linear-gradient(90deg,transparent 45%,var(--card) 45%,var(--card) 55%,transparent 55%) var(--waits)}
.key.fault{width:.2rem;background:var(--bad)}
.halt{margin:.9rem 0 0;padding:.35rem .75rem;border-left:3px solid var(--wait)}
.graph{border:1px solid var(--line);border-radius:6px;background:var(--bg)}
.graph svg{display:block;margin:0 auto;flex:none}
.way{fill:none;stroke:var(--soft);stroke-width:1}
.way.taken{stroke:var(--work);stroke-width:2.5}.way.failure{stroke:var(--bad);stroke-width:2.5}.way.pale{stroke:var(--soft);stroke-opacity:.55;stroke-dasharray:4 4}
marker.taken{fill:var(--work)}marker.failure{fill:var(--bad)}marker.pale{fill:var(--soft);fill-opacity:.7}
.state rect{fill:var(--card);stroke:var(--soft);stroke-width:1}
.state text{fill:var(--ink);font-size:12px;text-anchor:middle}
.state.taken rect{stroke:var(--work);stroke-width:2.25}.state.taken text{font-weight:600}
.state.failure rect{stroke:var(--bad);stroke-width:2.25}.state.failure text{font-weight:600;fill:var(--bad)}
.state.pale rect{stroke-dasharray:3 3;stroke-opacity:.6;fill:none}.state.pale text{fill:var(--soft)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1.25rem 2rem}
figure{margin:0}
figcaption{font-size:.875rem;margin-bottom:.4rem}
.plot{position:relative;border-bottom:1px solid var(--soft)}
.plot svg{display:block;width:100%;height:7rem;border-top:1px dashed var(--line)}
.plot .area{fill:var(--work);fill-opacity:.75}
.plot .ends{position:absolute;left:0;right:0;top:100%;display:flex;justify-content:space-between;font-size:.75rem;color:var(--soft)}
.plots figure{padding-bottom:1.1rem}
.ids{margin:.5rem 0 0;padding:0;list-style:none;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,34rem),1fr));gap:.1rem 1.5rem}
.acts{margin:0;padding:0;list-style:none}
.acts li{display:grid;grid-template-columns:11rem 1fr;gap:0 1rem;padding:.3rem 0;border-top:1px solid var(--line)}
.acts li:first-child{border-top:0}
.acts time{color:var(--soft);font-variant-numeric:tabular-nums}
.change{padding:.25rem 0 .9rem;border-top:1px solid var(--line)}
.change:first-of-type{border-top:0}
.change h3{margin:.6rem 0 .1rem}
.change ul,section>ul{margin:.35rem 0;padding-left:1.25rem}
.diff{margin:.4rem 0 0;padding:.75rem 1rem;border:1px solid var(--line);border-radius:6px;background:var(--bg);max-height:30rem;line-height:1.5;tab-size:2;overflow-wrap:normal}
.diff code{display:inline-block;min-width:100%}
.diff ins,.diff del,.diff .place{display:block;text-decoration:none}
.diff ins{background:var(--add);color:var(--addink)}.diff del{background:var(--cut);color:var(--cutink)}.diff .place{color:var(--soft)}
.executions dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.3rem 0 0;font-size:.9375rem}
.executions dt{color:var(--soft)}.executions dd{margin:0;white-space:pre-line}
footer{padding-top:1.25rem;padding-bottom:3rem;color:var(--soft);font-size:.8125rem}
@media (max-width:46rem){
main,header,footer,nav{padding-left:1rem;padding-right:1rem}
header{padding-top:1.5rem}
section{padding:1rem;margin-top:1rem}
.axis{grid-template-columns:1fr}.axis>span:not(.marks),.marks span:nth-child(even){display:none}
.gantt li{grid-template-columns:1fr auto;padding:.3rem 0;border-top:1px solid var(--line)}
.gantt svg{grid-row:2;grid-column:1/-1;height:1.25rem;min-height:0}
.time{display:block}.gantt .time small{display:none}
.acts li{grid-template-columns:1fr}
.executions dl{grid-template-columns:1fr}.executions dd{margin-bottom:.4rem}
.facts{grid-template-columns:repeat(2,1fr)}.facts dd{font-size:1.0625rem}
}
@media print{
:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--accent:#000;--good:#0b5a2c;--bad:#8f1410;--wait:#6b4600;--work:#3f74c4;--waits:#c9a24a;--shade:#e8e8e8;--add:#fff;--cut:#fff;--addink:#0b5a2c;--cutink:#8f1410}
body{font-size:10pt}
nav,.skip{display:none}
main,header,footer{max-width:none;padding:0}
section{border:0;border-top:1px solid #bbb;border-radius:0;padding:.75rem 0 0}
h2,h3{break-after:avoid}
.gantt li,tr,.facts{break-inside:avoid}
.scroll,.diff,.graph{overflow:visible;max-height:none}
.diff{white-space:pre-wrap}
.graph{border:0}.graph svg{width:100%;height:auto;max-height:24cm}
details::details-content{content-visibility:visible;block-size:auto}
rect,path,.key{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
