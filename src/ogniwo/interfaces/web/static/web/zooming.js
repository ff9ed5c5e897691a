// One chart in a section of the page: colours of the sheet, zoom by wheel, fingers, buttons and keys, and a picture of it.
import { init } from "./charts/charts.js";

const DASHES = ["solid", "dashed", "dotted", [10, 3, 2, 3]];
const SMALLEST = 0.5;

/** The dash of a series, as the plain charts have it: eight colours, then the next dash. */
export function dashes(number) {
  return DASHES[Math.floor(number / 8) % DASHES.length];
}

/** Numbers with the marks of the page's language. */
export function numbers(least, most = least) {
  const format = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: least, maximumFractionDigits: most });
  return (value) => format.format(value);
}

/** The colours that the sheet gives now: light or dark. */
export function colours(element, count) {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  const of = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const shades = Array.from({ length: count }, (_, number) => {
    probe.className = `k${number % 8}`;
    return of("--k");
  });
  const found = { ink: of("--ink"), quiet: of("--quiet"), line: of("--line"), ground: of("--ground"), accent: of("--accent"), shades };
  probe.remove();
  return found;
}

/** Where the window lies after a step, in per cent of the whole; it neither leaves the whole nor becomes too small. */
export function moved({ start, end }, how) {
  const width = end - start;
  const middle = start + width / 2;
  const wanted = {
    in: [middle - width / 4, middle + width / 4],
    out: [middle - width, middle + width],
    back: [start - width / 2, end - width / 2],
    on: [start + width / 2, end + width / 2],
    whole: [0, 100],
  }[how];
  const size = Math.min(Math.max(wanted[1] - wanted[0], SMALLEST), 100);
  const from = Math.min(Math.max(wanted[0], 0), 100 - size);
  return { start: from, end: from + size };
}

const KEYS = { "+": "in", "=": "in", "-": "out", "_": "out", ArrowLeft: "back", ArrowRight: "on", 0: "whole", Home: "whole" };

/**
 * Draws into the section's `.canvas` and makes its controls work.
 * @returns a function that gives the chart: it is made anew when the page turns light or dark.
 */
export async function zoomable(section, { options, labels, name }) {
  const canvas = section.querySelector(".canvas");
  const said = section.querySelector("[data-said]");
  let chart;

  const range = () => {
    const { start, end } = chart.getOption().dataZoom[0];
    return { start, end };
  };
  const tell = () => {
    const { start, end } = range();
    const last = labels.length - 1;
    const text = { first: labels[Math.round((start / 100) * last)], last: labels[Math.round((end / 100) * last)] };
    said.textContent = section.dataset.range.replace("{first}", text.first).replace("{last}", text.last);
  };
  const zoom = (how) => {
    chart.dispatchAction({ type: "dataZoom", ...moved(range(), how) });
    tell();
  };
  const draw = () => {
    const kept = chart ? { ...range(), selected: chart.getOption().legend[0].selected } : { start: 0, end: 100, selected: {} };
    chart?.dispose();
    chart = init(canvas, null, { renderer: "canvas" });
    const { line, quiet, accent } = colours(canvas, 0);
    const wanted = options(canvas);
    chart.setOption({
      ...wanted,
      legend: { ...wanted.legend, selected: kept.selected },
      dataZoom: [
        { type: "inside", start: kept.start, end: kept.end, zoomOnMouseWheel: "ctrl", moveOnMouseMove: true, preventDefaultMouseMove: false },
        { type: "slider", start: kept.start, end: kept.end, height: 24, bottom: 8, borderColor: line, textStyle: { color: quiet }, fillerColor: "transparent", handleStyle: { color: accent, borderColor: accent }, moveHandleStyle: { color: accent }, dataBackground: { lineStyle: { color: quiet }, areaStyle: { color: line } }, selectedDataBackground: { lineStyle: { color: accent }, areaStyle: { color: line } }, brushSelect: false },
      ],
    });
  };

  const picture = () => {
    chart.setOption({ legend: { show: true, top: 4, left: 60, right: 16 }, grid: { top: 56 } });
    const link = document.createElement("a");
    link.href = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: colours(canvas, 0).ground, excludeComponents: ["dataZoom"] });
    link.download = `${name}.png`;
    link.click();
    chart.setOption({ legend: { show: false }, grid: { top: 32 } });
  };

  draw();
  canvas.setAttribute("aria-label", section.dataset.says);
  for (const button of section.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => zoom(button.dataset.zoom));
  section.querySelector("[data-picture]")?.addEventListener("click", picture);
  canvas.addEventListener("keydown", (event) => {
    const how = KEYS[event.key];
    if (!how || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    zoom(how);
  });
  new ResizeObserver(() => chart.resize()).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  return () => chart;
}
