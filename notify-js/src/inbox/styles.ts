import { css } from "lit";

// light-dark() follows the page's color-scheme. In forced colours the browser paints; borders and system colours say what colours said.
export const styles = css`
:host{--_a:var(--notify-accent,light-dark(#2f49c4,#a9b6ff));--_s:var(--notify-surface,light-dark(#fff,#1b1d23));
--_t:var(--notify-text,light-dark(#1c1e26,#eceef4));--_m:var(--notify-muted,light-dark(#565b6b,#a9afc0));
--_b:var(--notify-border,light-dark(#d9dce4,#3a3e4a));--_h:var(--notify-hover,light-dark(#f1f3f8,#262932));
--_e:var(--notify-error,light-dark(#a3172a,#ff9aa6));display:inline-block;vertical-align:middle;position:relative;
font:var(--notify-font,400 .9375rem/1.45 system-ui,sans-serif);color:var(--_t);text-align:start}
:host([hidden]),[hidden]{display:none!important}
*{box-sizing:border-box}
button{font:inherit;color:inherit;background:none;border:1px solid transparent;border-radius:.375rem;padding:.25rem .5rem;cursor:pointer}
button:hover{background:var(--_h)}
:focus-visible{outline:2px solid var(--_a);outline-offset:2px}
svg{width:1.375rem;height:1.375rem;display:block;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
.bell{position:relative;padding:.5rem;border-radius:50%}
.badge{position:absolute;inset-block-start:0;inset-inline-start:55%;min-width:1.25rem;padding:0 .3rem;border-radius:.625rem;
background:var(--notify-badge,light-dark(#c21f39,#ff8c9b));color:var(--notify-badge-text,light-dark(#fff,#2b0008));font-size:.75rem;font-weight:600;
line-height:1.25rem;text-align:center}
.panel{position:absolute;z-index:var(--notify-z-index,1000);inset-block-start:calc(100% + .375rem);inset-inline-end:0;width:var(--notify-width,24rem);
max-width:calc(100vw - 1rem);max-height:min(var(--notify-height,34rem),calc(100vh - 5rem));display:flex;flex-direction:column;overflow:hidden;
background:var(--_s);border:1px solid var(--_b);border-radius:var(--notify-radius,.75rem);box-shadow:var(--notify-shadow,0 .75rem 2rem #0003)}
:host([align=start]) .panel{inset-inline:0 auto}
.head,.bar{display:flex;align-items:center;gap:.25rem;padding:.5rem .75rem;border-block-end:1px solid var(--_b)}
h2{flex:1;margin:0;font-size:1.0625rem}
[role=tablist]{display:flex;gap:.25rem;padding:.25rem .75rem 0;overflow-x:auto;border-block-end:1px solid var(--_b)}
[role=tab]{white-space:nowrap;border-radius:.375rem .375rem 0 0;color:var(--_m);border-block-end:2px solid transparent}
[role=tab][aria-selected=true]{color:var(--_t);border-block-end-color:var(--_a);font-weight:600}
[role=tabpanel]{overflow-y:auto;min-height:6rem;flex:1}
:is([role=tab],[role=tabpanel],article):focus-visible{outline-offset:-2px}
article{position:relative;padding:.625rem .75rem .625rem 1.75rem;border-block-end:1px solid var(--_b)}
article:dir(rtl){padding:.625rem 1.75rem .625rem .75rem}
article:hover{background:var(--_h)}
.dot{position:absolute;inset-block-start:1.05rem;inset-inline-start:.75rem;width:.5rem;height:.5rem;border-radius:50%;background:var(--_a)}
h3{margin:0;font-size:1em;font-weight:400;overflow-wrap:anywhere}
.unread h3{font-weight:600}
p{margin:.125rem 0 0;overflow-wrap:anywhere;white-space:pre-line}
a{color:inherit;text-decoration-color:var(--_a);text-underline-offset:.15em}
a:hover{color:var(--_a)}
.meta{display:flex;flex-wrap:wrap;align-items:center;gap:0 .25rem;margin-block-start:.25rem;color:var(--_m);font-size:.8125rem}
.meta time{flex:1}
.urgent h3{color:var(--_e)}
.note{padding:1.5rem;text-align:center;color:var(--_m)}
.end{padding:.75rem;font-size:.8125rem}
.error{color:var(--_e)}
.bar>span{flex:1}
.hush{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (max-width:30rem){.panel{position:fixed;inset:.5rem!important;width:auto;max-height:none}}
@media (forced-colors:active){.badge{border:1px solid}.dot{forced-color-adjust:none;
background:Highlight}[role=tab][aria-selected=true]{border-block-end-color:Highlight}}
`;
