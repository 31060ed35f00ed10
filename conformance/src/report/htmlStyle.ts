/** Style of the HTML report. Colours come from the reader's choice of light or dark, and never tell anything alone. */
export const style = `
:root{color-scheme:light dark;--text:#1f2328;--dim:#59636e;--back:#fff;--soft:#f6f8fa;--line:#d1d9e0;--good:#1a7f37;--bad:#c2241b;--warn:#8a5a00;--link:#0b5cad;--fault:#fff1c2}
@media (prefers-color-scheme:dark){:root{--text:#e6edf3;--dim:#9da7b1;--back:#0d1117;--soft:#161b22;--line:#30363d;--good:#4cc26a;--bad:#ff7b72;--warn:#e3b341;--link:#6cb6ff;--fault:#3a2d00}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1180px;padding:24px 16px 64px;font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back)}
h1{font-size:24px;margin:0 0 4px}h2{font-size:19px;margin:40px 0 12px}h3{font-size:16px;margin:24px 0 4px}
a{color:var(--link)}p{margin:4px 0 12px}.dim{color:var(--dim)}
.runs{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,250px),1fr));gap:12px}
.run{border:1px solid var(--line);border-radius:8px;padding:12px 14px;background:var(--soft)}
.run strong{font-size:16px}.counts{margin:6px 0 0;font-variant-numeric:tabular-nums}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.filters{display:flex;flex-wrap:wrap;gap:8px;margin:0 0 12px}
.filters input,.filters select{font:inherit;color:inherit;background:var(--back);border:1px solid var(--line);border-radius:6px;padding:6px 10px;min-width:0}
.filters input{flex:1 1 220px}
.scroll{overflow:auto;max-height:80vh;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:6px 10px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{position:sticky;top:0;background:var(--soft);z-index:1;white-space:nowrap}
tbody th{font-weight:400;min-width:220px}tbody th small{display:block;color:var(--dim);line-height:1.35}
tr.area th{background:var(--soft);font-weight:600;text-transform:capitalize}
td.outcome{text-align:center;white-space:nowrap}td a{text-decoration:none}
.failure{border-top:1px solid var(--line);padding-top:4px}
code,pre{font:13px/1.45 ui-monospace,monospace}
pre{overflow:auto;max-height:420px;background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:10px 12px;margin:8px 0}
pre.reason{white-space:pre-wrap;overflow-wrap:anywhere;border-left:3px solid var(--bad)}
details{margin:8px 0}summary{cursor:pointer}
.sequence{display:block;font:12px system-ui,sans-serif}.sequence text{fill:var(--text);text-anchor:middle}
.sequence g:not(.fault) text{text-anchor:start}
.sequence .head{font-weight:600;font-size:13px}.sequence .lane{stroke:var(--line);stroke-width:1.5}
.sequence g line{stroke:var(--dim);stroke-width:1.4}.sequence g polygon{fill:var(--dim)}
.sequence .request line{stroke:var(--link)}.sequence .request polygon{fill:var(--link)}
.sequence .response line,.sequence .message line{stroke-dasharray:5 3}
.sequence .refusal line,.sequence .broken line{stroke:var(--bad);stroke-dasharray:5 3}.sequence .refusal polygon,.sequence .broken polygon{fill:var(--bad)}
.sequence .fault rect{fill:var(--fault);stroke:var(--warn)}.sequence .note{text-anchor:start;fill:var(--dim);font-style:italic}
@media print{.filters{display:none}.scroll,pre{max-height:none;overflow:visible}details{display:block}}
`;
