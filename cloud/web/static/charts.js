// Bar charts for page.js, drawn by uPlot on a canvas. The table below each chart has the same figures as text.
"use strict";

const FONT_PX = 0.75 * parseFloat(getComputedStyle(document.documentElement).fontSize);
const WHOLE_STEPS = [1, 2, 5].flatMap((step) => [1, 10, 100, 1e3, 1e4, 1e5].map((ten) => step * ten)).sort((a, b) => a - b);

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const font = () => `${FONT_PX}px ${getComputedStyle(document.body).fontFamily}`;

// Returns stripes of this colour for uPlot's fill; crossed stripes mean "no data".
function hatching(colour, crossed = false) {
  return (plot) => {
    const size = 8 * devicePixelRatio;
    const tile = Object.assign(document.createElement("canvas"), { width: size, height: size });
    const draw = tile.getContext("2d");
    draw.strokeStyle = colour;
    draw.lineWidth = (crossed ? 1 : 2.5) * devicePixelRatio;
    for (const shift of [-size, 0, size]) {
      draw.moveTo(shift, size);
      draw.lineTo(shift + size, 0);
      if (crossed) draw.moveTo(shift, 0);
      if (crossed) draw.lineTo(shift + size, size);
    }
    draw.stroke();
    return plot.ctx.createPattern(tile, "repeat");
  };
}

function textWidth(texts) {
  const draw = document.createElement("canvas").getContext("2d");
  draw.font = font();
  return Math.ceil(Math.max(0, ...texts.map((text) => draw.measureText(text).width)));
}

// Writes the texts of each series at the ends of its bars.
function writeTexts(plot, series, horizontal) {
  const { ctx } = plot;
  const gap = 5 * devicePixelRatio;
  ctx.save();
  ctx.font = `${FONT_PX * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
  series.filter((one) => one.texts).forEach(({ values, texts, left, ink }) => texts.forEach((text, index) => {
    const [along, across] = [plot.valToPos(index, "x", true), plot.valToPos(values[index] ?? 0, "y", true)];
    ctx.fillStyle = css(ink ? "--ink" : "--muted");
    ctx.textAlign = horizontal ? (left ? "right" : "left") : "center";
    ctx.textBaseline = horizontal ? "middle" : "bottom";
    if (horizontal) ctx.fillText(text, across + (left ? -gap : gap), along);
    else ctx.fillText(text, along, across - gap);
  }));
  ctx.restore();
}

// Draws bars on top of one another into `host`. labels: one per bar position; series: {values, fill, texts, left, size,
// ink}, where bars with `left` grow to the left, `size` is their share of the place, and texts in `ink` may stand on
// another bar; range: of the values; says: the tooltip of each position; horizontal: sideways bars.
function drawBars(host, { labels, series, range, says, horizontal = false, narrow = false }) {
  host.plot?.destroy();
  const tip = Object.assign(document.createElement("p"), { className: "tip", hidden: true });
  const axis = { font: font(), stroke: css("--muted"), ticks: { show: false } };
  const places = labels.map((_, index) => index);
  const options = {
    width: host.clientWidth, height: host.clientHeight, legend: { show: false },
    padding: [horizontal ? 0 : 8, 4, 0, horizontal ? 0 : 4],
    cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, ori: horizontal ? 1 : 0, dir: horizontal ? -1 : 1, range: [-0.5, labels.length - 0.5] },
      y: { ori: horizontal ? 0 : 1, range },
    },
    axes: [
      { ...axis, side: horizontal ? 3 : 2, grid: { show: false }, gap: 6, splits: () => places,
        values: (_, shown) => shown.map((place) => (place === null ? "" : labels[place])),
        size: horizontal ? textWidth(labels) + 12 : 24, ...(horizontal ? {} : { space: 24, filter: thinned }) },
      { ...axis, show: !horizontal, side: horizontal ? 2 : 3, grid: { stroke: css("--line"), width: 1 }, gap: 6,
        incrs: WHOLE_STEPS, size: textWidth([number(range[1])]) + 14, values: (_, shown) => shown.map((value) => number(value)) },
    ],
    series: [{}, ...series.map(({ fill, size = narrow ? 0.4 : 0.75 }) => ({
      fill, width: 0, points: { show: false },
      // The most pixels of a bar are in proportion, too: else few wide bars would hide those behind them.
      paths: uPlot.paths.bars({ size: [size, 110 * size] }),
    }))],
    hooks: {
      draw: [(plot) => writeTexts(plot, series, horizontal)],
      setCursor: [(plot) => {
        const { idx, left } = plot.cursor;
        tip.hidden = left < 0 || idx === null;
        tip.textContent = tip.hidden ? "" : says[idx];
      }],
    },
  };
  host.plot = new uPlot(options, [places, ...series.map((one) => one.values)], host);
  host.plot.root.append(tip);
  resized.observe(host);
}

// Keeps every second or third label on a narrow screen, where all of them would overlap.
function thinned(plot, places) {
  const each = Math.ceil((24 * places.length) / Math.max(1, plot.bbox.width / devicePixelRatio));
  return places.map((place) => (place % each ? null : place));
}

const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => {
  const { clientWidth: width, clientHeight: height, plot } = target;
  if (width && (plot.width !== width || plot.height !== height)) plot.setSize({ width, height });
}));
