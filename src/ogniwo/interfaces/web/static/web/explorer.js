// The interval explorer's chart: the numbers of the page's own address drawn so that they can be zoomed.
// Without it, and on paper, the page shows the chart that the server drew.
import { colours, dashes, numbers, zoomable } from "./zooming.js";

const place = document.getElementById("explorer");
const BARS_MAX = 40;
const CROSS = "path://M0 0L2 2L0 4L2 6L4 4L6 6L8 4L6 2L8 0L6 -2L4 0L2 -2Z";

/** Scatter points of one mark over all series: [bucket, kWh] with the colour of the series. */
function marks(data, shades, kind, heightOf) {
  return data.series.flatMap((one, number) =>
    one[kind].map((at) => ({ value: [at, heightOf(one, at)], itemStyle: { color: shades[number], borderColor: shades[number] } })),
  );
}

function options(data, said, element) {
  const { ink, quiet, line, ground, shades } = colours(element, data.series.length);
  const bars = data.labels.length <= BARS_MAX;
  const format = numbers(3);
  const series = data.series.map((one, number) => ({
    type: bars ? "bar" : "line",
    name: one.name,
    data: one.wh.map((wh) => (wh === null ? null : wh / 1000)),
    step: bars ? undefined : "middle",
    showSymbol: false,
    sampling: bars ? undefined : "minmax",
    itemStyle: { color: shades[number] },
    lineStyle: { color: shades[number], width: 2, type: dashes(number) },
    emphasis: { disabled: true },
  }));
  const kinds = [
    [said.filled, "diamond", marks(data, shades, "filled", (one, at) => (one.wh[at] ?? 0) / 1000)],
    [said.missing, CROSS, marks(data, shades, "missing", () => 0)],
  ];
  for (const [name, symbol, found] of kinds) {
    if (found.length) series.push({ type: "scatter", name, symbol, symbolSize: 9, data: found, tooltip: { show: false }, z: 5 });
  }
  return {
    animation: false,
    textStyle: { color: ink, fontFamily: getComputedStyle(element).fontFamily },
    aria: { enabled: true, label: { description: said.says }, decal: { show: bars } },
    grid: { left: 8, right: 16, top: 32, bottom: 64, containLabel: true },
    legend: { show: false, type: "scroll", textStyle: { color: ink }, data: data.series.map((one) => one.name) },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      backgroundColor: ground,
      borderColor: line,
      textStyle: { color: ink, fontSize: 12 },
      valueFormatter: (value) => (value === null || value === undefined ? "–" : `${format(value)} kWh`),
    },
    xAxis: { type: "category", data: data.labels, axisLabel: { color: quiet, hideOverlap: true }, axisLine: { lineStyle: { color: quiet } }, axisTick: { show: false } },
    yAxis: { type: "value", name: "kWh", nameTextStyle: { color: quiet }, axisLabel: { color: quiet, formatter: numbers(0, 3) }, splitLine: { lineStyle: { color: line } } },
    series,
  };
}

/** The legend of the page switches series on and off. */
function switches(chart, data) {
  for (const box of document.querySelectorAll("input[data-series]")) {
    if (!(box instanceof HTMLInputElement)) continue;
    box.hidden = false;
    box.addEventListener("change", () =>
      chart().dispatchAction({ type: box.checked ? "legendSelect" : "legendUnSelect", name: data.series[Number(box.dataset.series)].name }),
    );
  }
}

async function start(element) {
  const said = element.dataset;
  const answer = await fetch(said.src);
  if (!answer.ok) throw new Error(`${answer.status}`);
  const data = await answer.json();
  element.hidden = false;
  const chart = await zoomable(element, {
    options: (canvas) => options(data, said, canvas),
    labels: data.labels,
    name: said.name,
  });
  switches(chart, data);
  element.querySelector("[data-values]").addEventListener("click", async () => {
    const text = await (await fetch(said.tsv)).text();
    await navigator.clipboard.writeText(text);
    element.querySelector("[data-said]").textContent = said.copied;
  });
}

if (place) {
  start(place).catch((error) => {
    place.hidden = true;
    const note = document.createElement("p");
    note.className = "note warn";
    note.setAttribute("role", "status");
    note.textContent = place.dataset.failed;
    place.before(note);
    console.warn(error);
  });
}
