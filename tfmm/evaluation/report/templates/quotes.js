"use strict";
(function () {
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const canvas = document.getElementById("chart"), tip = document.getElementById("chart-tip");
  const pick = document.getElementById("chart-segment"), go = document.getElementById("chart-time");
  const PAD = { left: 8, right: 64, top: 8, bottom: 22 }, UNIT = 0.1, COLOUR = {
    band: "rgba(138,143,152,.30)", trade: "#333a45", bid: "#1b7f4d", ask: "#c0392b", grid: "#e3e5e9", text: "#666d78" };
  let segment, instrument, view, end, drag = null, pinch = null;

  function decode(text) {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
    return new Int32Array(bytes.buffer);
  }
  // another instrument of the same session keeps the times in view
  function load(index) {
    const before = segment, seen = view;
    segment = Object.assign({}, data.segments[index]);
    instrument = data.instruments[segment.instrument];
    for (const name in segment.columns) segment[name] = decode(segment.columns[name]);
    end = Math.max(1, ...["quote_t", "trade_t", "our_t"].map(n => segment[n].length ? segment[n][segment[n].length - 1] : 0));
    const shift = before ? (before.start_ms - segment.start_ms) / UNIT : 0;
    if (before && before.name === segment.name && seen.start + shift < end && seen.start + shift + seen.width > 0)
      show(seen.start + shift, seen.width);
    else densest();
  }
  function densest() {
    const t = segment.fill_t, width = Math.min(end, 900000);
    let best = 0, low = 0, most = 0;
    for (let high = 0; high < t.length; high++) {
      while (t[high] - t[low] > width) low++;
      if (high - low + 1 > most) { most = high - low + 1; best = t[low]; }
    }
    show(best - width * 0.1, width * 1.2);
  }
  function show(start, width) {
    width = Math.min(Math.max(width, 50), end * 1.02);
    view = { start: Math.min(Math.max(start, -end * 0.01), Math.max(end * 1.01 - width, -end * 0.01)), width: width };
    draw();
  }
  // last index with t <= x
  function lastIndex(t, x) {
    let low = 0, high = t.length;
    while (low < high) { const mid = (low + high) >> 1; if (t[mid] <= x) low = mid + 1; else high = mid; }
    return low - 1;
  }
  function range(t) { return [Math.max(0, lastIndex(t, view.start)), lastIndex(t, view.start + view.width)]; }
  function clock(t, digits) {
    const text = new Date(segment.start_ms + t * UNIT).toISOString();
    return text.slice(11, digits ? 23 : 19);
  }
  function price(v) { return (v * instrument.half_tick).toFixed(instrument.digits); }
  function draw() {
    const box = canvas.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    canvas.width = box.width * ratio; canvas.height = box.height * ratio;
    const g = canvas.getContext("2d"); g.scale(ratio, ratio);
    const w = box.width - PAD.left - PAD.right, h = box.height - PAD.top - PAD.bottom;
    const x = t => PAD.left + (t - view.start) / view.width * w;
    const [q0, q1] = range(segment.quote_t), [o0, o1] = range(segment.our_t), [f0, f1] = range(segment.fill_t);
    let lo = Infinity, hi = -Infinity;
    const see = v => { if (v >= 0) { if (v < lo) lo = v; if (v > hi) hi = v; } };
    for (let k = q0; k <= q1; k++) { see(segment.bid[k]); see(segment.ask[k]); }
    const reach = 3 * Math.max(hi - lo, 4), middle = (hi + lo) / 2;  // quotes far away must not flatten the market
    for (let k = o0; k <= o1; k++) for (const v of [segment.our_bid[k], segment.our_ask[k]])
      if (Math.abs(v - middle) < reach) see(v);
    for (let k = f0; k <= f1; k++) if (segment.fill_t[k] >= view.start) see(segment.fill[k]);
    if (!(hi > lo)) { lo -= 2; hi += 2; }
    const y = v => PAD.top + (1 - (v - lo + 0.04 * (hi - lo)) / (1.08 * (hi - lo))) * h;
    g.font = "11px system-ui, sans-serif"; g.textBaseline = "middle";
    for (let k = 0; k <= 4; k++) {
      const v = lo + (hi - lo) * k / 4; g.strokeStyle = COLOUR.grid; g.fillStyle = COLOUR.text;
      g.beginPath(); g.moveTo(PAD.left, y(v)); g.lineTo(PAD.left + w, y(v)); g.stroke();
      g.textAlign = "left"; g.fillText(price(v), PAD.left + w + 4, y(v));
    }
    const marks = Math.max(2, Math.floor(w / 130));
    for (let k = 0; k < marks; k++) {
      const t = view.start + view.width * (k + 0.5) / marks;
      g.textAlign = "center"; g.fillText(clock(t, view.width < 100000), x(t), box.height - 9);
    }
    g.save(); g.beginPath(); g.rect(PAD.left, PAD.top, w, h); g.clip();
    const pixel = view.width / w;
    // many events to a pixel: one box with their extremes
    g.fillStyle = COLOUR.band;
    for (let k = q0; k <= q1;) {
      let top = segment.ask[k], low = segment.bid[k], next = k + 1;
      while (next <= q1 && segment.quote_t[next] - segment.quote_t[k] < pixel) {
        top = Math.max(top, segment.ask[next]); low = Math.min(low, segment.bid[next]); next++;
      }
      const until = next < segment.quote_t.length ? segment.quote_t[next] : view.start + view.width;
      g.fillRect(x(segment.quote_t[k]), y(top), Math.max(x(until) - x(segment.quote_t[k]), 0.5), Math.max(y(low) - y(top), 1));
      k = next;
    }
    for (const [name, colour] of [["our_bid", COLOUR.bid], ["our_ask", COLOUR.ask]]) {
      const v = segment[name]; g.strokeStyle = colour; g.lineWidth = 1.3; g.beginPath();
      for (let k = o0; k <= o1; k++) {
        if (v[k] < 0) continue;
        const until = k + 1 < v.length ? segment.our_t[k + 1] : view.start + view.width;
        if (k === o0 || v[k - 1] < 0) g.moveTo(x(segment.our_t[k]), y(v[k])); else g.lineTo(x(segment.our_t[k]), y(v[k]));
        g.lineTo(x(until), y(v[k]));
      }
      g.stroke();
    }
    const [t0, t1] = range(segment.trade_t);
    if (t1 - t0 < 6000) {
      g.fillStyle = COLOUR.trade;
      for (let k = t0; k <= t1; k++) g.fillRect(x(segment.trade_t[k]) - 1, y(segment.trade[k]) - 1, 2, 2);
    }
    for (let k = f0; k <= f1; k++) {
      const s = segment.fill_side[k], a = x(segment.fill_t[k]), b = y(segment.fill[k]), r = f1 - f0 > 400 ? 3 : 6;
      g.beginPath(); g.moveTo(a, b - s * r); g.lineTo(a - r, b + s * r); g.lineTo(a + r, b + s * r); g.closePath();
      g.fillStyle = s > 0 ? COLOUR.bid : COLOUR.ask; g.fill(); g.strokeStyle = "#000"; g.lineWidth = 0.5; g.stroke();
    }
    g.restore();
    canvas.at = { x: x, y: y, t: px => view.start + (px - PAD.left) / w * view.width, w: w };
  }
  function zoom(factor, at) {
    const centre = at === undefined ? view.start + view.width / 2 : at;
    const width = Math.min(Math.max(view.width * factor, 50), end * 1.02);
    show(centre - (centre - view.start) * width / view.width, width);
  }
  function step(direction) {
    const t = segment.fill_t, now = view.start + view.width / 2;
    let k = direction > 0 ? lastIndex(t, now + 1) + 1 : lastIndex(t, now - 1);
    if (direction < 0 && k >= 0 && t[k] > now - 1) k--;
    if (k >= 0 && k < t.length) { show(t[k] - view.width / 2, view.width); tell(k); }
  }
  function tell(k) {
    tip.textContent = k < 0 ? "" : "fill " + segment.fill_number[k] + ": " + (segment.fill_side[k] > 0 ? "bought " : "sold ")
      + segment.qty[k] + " at " + price(segment.fill[k]) + ", rule " + segment.rule[k] + ", inventory after it "
      + segment.inventory[k] + ", " + clock(segment.fill_t[k], true);
  }
  function near(px, py) {
    const at = canvas.at, [f0, f1] = range(segment.fill_t);
    let best = -1, least = 196;
    for (let k = f0; k <= f1; k++) {
      const d = (at.x(segment.fill_t[k]) - px) ** 2 + (at.y(segment.fill[k]) - py) ** 2;
      if (d < least) { least = d; best = k; }
    }
    tell(best);
  }
  const local = e => { const box = canvas.getBoundingClientRect(); return [e.clientX - box.left, e.clientY - box.top]; };
  const fingers = new Map();
  canvas.addEventListener("wheel", e => { e.preventDefault(); zoom(e.deltaY > 0 ? 1.3 : 1 / 1.3, canvas.at.t(local(e)[0])); },
    { passive: false });
  canvas.addEventListener("pointerdown", e => {
    canvas.setPointerCapture(e.pointerId); fingers.set(e.pointerId, local(e));
    drag = { x: local(e)[0], start: view.start }; near(...local(e));
    if (fingers.size === 2) { const [a, b] = [...fingers.values()]; pinch = { d: Math.abs(a[0] - b[0]) + 1, width: view.width }; }
  });
  canvas.addEventListener("pointermove", e => {
    if (!fingers.has(e.pointerId)) { near(...local(e)); return; }
    fingers.set(e.pointerId, local(e));
    if (pinch && fingers.size === 2) {
      const [a, b] = [...fingers.values()];
      zoom(pinch.width * pinch.d / (Math.abs(a[0] - b[0]) + 1) / view.width, canvas.at.t((a[0] + b[0]) / 2));
    } else if (drag) show(drag.start - (local(e)[0] - drag.x) / canvas.at.w * view.width, view.width);
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, e => {
    fingers.delete(e.pointerId); pinch = null; drag = null; });
  // hh:mm:ss UTC, the first one in the session
  function visit(text) {
    const parts = text.split(":").map(Number), day = new Date(segment.start_ms);
    day.setUTCHours(parts[0] || 0, parts[1] || 0, 0, (parts[2] || 0) * 1000);
    const since = day.getTime() - segment.start_ms, width = Math.min(view.width, 600000);
    show((since < 0 ? since + 86400000 : since) / UNIT - width / 2, width);
  }
  go.addEventListener("change", () => visit(go.value));
  const act = { in: () => zoom(0.5), out: () => zoom(2), back: () => show(view.start - view.width / 2, view.width),
    on: () => show(view.start + view.width / 2, view.width), all: () => show(0, end * 1.02), dense: densest,
    previous: () => step(-1), next: () => step(1) };
  for (const button of document.querySelectorAll("[data-chart]")) button.addEventListener("click", () => act[button.dataset.chart]());
  data.segments.forEach((one, k) => pick.add(new Option(one.name + " " + new Date(one.start_ms).toISOString().slice(11, 16)
    + (data.instruments.length > 1 ? " " + data.instruments[one.instrument].symbol : ""), k)));
  pick.addEventListener("change", () => load(Number(pick.value)));
  window.addEventListener("resize", draw);
  load(0);
  if (location.hash.startsWith("#t=")) { visit(location.hash.slice(3)); canvas.scrollIntoView(); }
})();
