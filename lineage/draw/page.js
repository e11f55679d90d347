"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const stage = document.getElementById("stage");
  const svg = stage.querySelector("svg");
  const world = document.getElementById("world");
  const aside = document.querySelector("aside");
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const nodes = [...world.querySelectorAll(".node")];
  const edges = [...world.querySelectorAll(".edge")];
  const width = Number(svg.dataset.width), height = Number(svg.dataset.height);

  // Where the picture is: a point p of it is shown at p * scale + (x, y).
  let x = 0, y = 0, scale = 1;
  const show = () => world.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
  const bounded = (s) => Math.min(4, Math.max(0.02, s));

  function zoom(by, atX, atY) {
    const next = bounded(scale * by);
    x = atX - (atX - x) * next / scale;
    y = atY - (atY - y) * next / scale;
    scale = next;
    show();
  }

  function fit() {
    const w = stage.clientWidth, h = stage.clientHeight;
    scale = bounded(Math.min(w / width, h / height, 1.25));
    x = (w - width * scale) / 2;
    y = (h - height * scale) / 2;
    show();
  }

  function center(i) {
    const n = data.nodes[i];
    if (scale < 0.6) scale = 0.9;
    x = stage.clientWidth / 2 - (n.x + n.w / 2) * scale;
    y = stage.clientHeight / 2 - (n.y + n.h / 2) * scale;
    show();
  }

  // beyond gives the places that can be reached from one.
  function beyond(i, from, to) {
    const seen = new Set([i]), next = [i];
    while (next.length) {
      const n = next.pop();
      for (const e of data.edges) {
        if (e[from] === n && !seen.has(e[to])) { seen.add(e[to]); next.push(e[to]); }
      }
    }
    return seen;
  }

  function element(name, text, into) {
    const e = document.createElement(name);
    if (text !== undefined) e.textContent = text;
    into.append(e);
    return e;
  }

  function list(title, places) {
    if (!places.length) return;
    element("h3", `${title} (${places.length})`, aside);
    const ul = element("ul", undefined, aside);
    for (const i of places.slice(0, 200)) {
      const b = element("button", data.nodes[i].label, element("li", undefined, ul));
      b.type = "button";
      b.addEventListener("click", () => { pick(i); center(i); });
    }
    if (places.length > 200) element("li", `and ${places.length - 200} more`, ul);
  }

  function pick(i) {
    const n = data.nodes[i];
    const up = beyond(i, 1, 0), down = beyond(i, 0, 1);
    const on = (k) => up.has(k) || down.has(k);
    svg.classList.add("chosen");
    nodes.forEach((e, k) => { e.classList.toggle("on", on(k)); e.classList.toggle("picked", k === i); });
    edges.forEach((e, k) => {
      const [from, to] = data.edges[k];
      e.classList.toggle("on", up.has(from) && up.has(to) || down.has(from) && down.has(to));
    });
    aside.replaceChildren();
    const close = element("button", "×", aside);
    close.id = "close";
    close.type = "button";
    close.setAttribute("aria-label", "close");
    close.addEventListener("click", leave);
    element("h2", n.label, aside);
    element("p", [n.kind, n.under].filter(Boolean).join(" · "), aside).className = "what";
    const dl = element("dl", undefined, aside);
    for (const f of n.facts || []) {
      element("dt", f.name, dl);
      element("dd", f.text, dl);
    }
    list("made of", data.edges.filter((e) => e[1] === i).map((e) => e[0]));
    list("made from it", data.edges.filter((e) => e[0] === i).map((e) => e[1]));
    aside.hidden = false;
    aside.scrollTop = 0;
    const left = n.x * scale + x, top = n.y * scale + y;
    if (left < 0 || top < 0 || left + n.w * scale > stage.clientWidth || top + n.h * scale > stage.clientHeight) center(i);
  }

  function leave() {
    svg.classList.remove("chosen");
    nodes.forEach((e) => e.classList.remove("on", "picked"));
    edges.forEach((e) => e.classList.remove("on"));
    aside.hidden = true;
  }

  let found = [], at = -1;
  function look() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = [];
    at = -1;
    data.nodes.forEach((n, i) => {
      const text = [n.label, n.under, n.kind, ...(n.facts || []).map((f) => f.text)].join("\n").toLowerCase();
      const is = words.length > 0 && words.every((w) => text.includes(w));
      nodes[i].classList.toggle("match", is);
      if (is) found.push(i);
    });
    count.textContent = words.length ? `${found.length} found` : "";
  }
  search.addEventListener("input", look);
  search.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || !found.length) return;
    at = (at + (e.shiftKey ? found.length - 1 : 1) + (at < 0 && e.shiftKey ? 1 : 0)) % found.length;
    count.textContent = `${at + 1} of ${found.length}`;
    pick(found[at]);
    center(found[at]);
  });

  let held = null, moved = false;
  stage.addEventListener("pointerdown", (e) => {
    if (e.button !== 0) return;
    held = { x: e.clientX - x, y: e.clientY - y, fromX: e.clientX, fromY: e.clientY };
    moved = false;
  });
  stage.addEventListener("pointermove", (e) => {
    if (!held) return;
    if (!moved && Math.hypot(e.clientX - held.fromX, e.clientY - held.fromY) > 4) {
      moved = true;
      stage.classList.add("held");
      stage.setPointerCapture(e.pointerId);
    }
    if (moved) { x = e.clientX - held.x; y = e.clientY - held.y; show(); }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, () => { held = null; stage.classList.remove("held"); });
  }
  stage.addEventListener("click", (e) => {
    if (moved) return;
    const node = e.target.closest(".node");
    if (node) pick(nodes.indexOf(node)); else leave();
  });
  stage.addEventListener("wheel", (e) => {
    e.preventDefault();
    const r = stage.getBoundingClientRect();
    zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0015)), e.clientX - r.left, e.clientY - r.top);
  }, { passive: false });

  const middle = (by) => zoom(by, stage.clientWidth / 2, stage.clientHeight / 2);
  document.getElementById("in").addEventListener("click", () => middle(1.3));
  document.getElementById("out").addEventListener("click", () => middle(1 / 1.3));
  document.getElementById("fit").addEventListener("click", fit);
  nodes.forEach((e, i) => {
    e.setAttribute("tabindex", "0");
    e.setAttribute("role", "button");
    e.addEventListener("keydown", (k) => {
      if (k.key === "Enter" || k.key === " ") { k.preventDefault(); pick(i); }
    });
  });
  const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") { leave(); search.blur(); return; }
    if (e.target === search || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === "/") { e.preventDefault(); search.focus(); }
    else if (e.key === "+" || e.key === "=") middle(1.3);
    else if (e.key === "-") middle(1 / 1.3);
    else if (e.key === "0") fit();
    else if (steps[e.key]) { x += steps[e.key][0]; y += steps[e.key][1]; show(); }
  });
  addEventListener("resize", () => { if (aside.hidden && !svg.classList.contains("chosen")) fit(); });
  fit();
})();
