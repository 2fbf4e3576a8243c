"use strict";
// The overview told cell by cell, by pointer or arrow keys; the table found and sorted. All of it is extra: the page reads without.
(() => {
  const data = JSON.parse(document.getElementById("cells").textContent);
  const strip = document.getElementById("strip"), readout = document.getElementById("readout");
  if (strip && data.heads.length) overview(strip, readout, data);
  const table = document.getElementById("table");
  if (table) columns(table);
  const opened = () => { const at = document.getElementById(location.hash.slice(1)); at?.closest("details")?.setAttribute("open", ""); };
  addEventListener("hashchange", opened);
  opened();

  function overview(strip, readout, data) {
    const rows = [...strip.querySelectorAll(".r")], cursor = document.createElement("div"), width = data.heads.length;
    let row = 0, cell = Math.max(0, first(0));
    cursor.className = "cursor";
    cursor.hidden = true;
    strip.append(cursor);
    readout.hidden = false;
    readout.textContent = "Point at a cell, or move with the arrow keys, to read what it says.";
    document.querySelectorAll(".hint").forEach((hint) => { hint.hidden = false; });
    // One stop for the Tab key; the arrows do the rest.
    rows.forEach((one, i) => { one.tabIndex = i ? -1 : 0; one.removeAttribute("title"); });

    function first(r) { return Math.min(...Object.keys(data.rows[r]?.[0] ?? {}).map(Number), width) % width; }

    function say(r, c) {
      const [said, unknown, stirring] = data.rows[r];
      const words = c in said ? data.sentences[said[c]]
        : unknown.includes(c) ? "Not judged: no data, too few rows, or not measured here."
        : stirring.includes(c) ? "As before; the evidence stirs, within the budget." : "As before.";
      const name = document.createElement("b");
      name.textContent = `${rows[r].querySelector("b").textContent}, ${data.heads[c]}`;
      readout.replaceChildren(name, `: ${words}`);
    }

    function show(r, c) {
      row = r; cell = Math.min(Math.max(c, 0), width - 1);
      const picture = rows[r].querySelector("svg").getBoundingClientRect(), frame = strip.getBoundingClientRect(), step = picture.width / width;
      Object.assign(cursor.style, { left: `${picture.left - frame.left + cell * step - 3}px`, top: `${picture.top - frame.top - 3}px`, width: `${step + 4}px`, height: `${picture.height + 4}px` });
      cursor.hidden = false;
      say(r, cell);
    }

    function at(event) {
      const one = event.target.closest(".r");
      if (!one) return;
      const picture = one.querySelector("svg").getBoundingClientRect();
      const share = (event.clientX - picture.left) / picture.width, r = rows.indexOf(one);
      show(r, share < 0 || share >= 1 ? first(r) : Math.floor(share * width));
    }

    strip.addEventListener("pointermove", at);
    // A finger can't hover: its first tap tells the cell, the second opens the column.
    let told = true;
    strip.addEventListener("pointerdown", (event) => {
      const before = [row, cell, cursor.hidden].join();
      at(event);
      told = event.pointerType === "mouse" || before === [row, cell, false].join();
    });
    strip.addEventListener("click", (event) => { if (!told && event.detail) event.preventDefault(); });
    strip.addEventListener("focusin", (event) => {
      const r = rows.indexOf(event.target);
      if (r >= 0 && event.target.matches(":focus-visible")) show(r, r === row ? cell : first(r));
    });
    strip.addEventListener("keydown", (event) => {
      if (!rows.includes(event.target)) return;
      const seen = rows.filter((one) => one.checkVisibility?.() ?? one.offsetParent), here = seen.indexOf(event.target);
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -width], End: [0, width] }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = seen[Math.min(Math.max(here + step[0], 0), seen.length - 1)], r = rows.indexOf(next);
      rows.forEach((one) => { one.tabIndex = one === next ? 0 : -1; });
      row = r; cell = Math.min(Math.max(cell + step[1], 0), width - 1);
      next.focus();
      show(r, cell);
    });
  }

  function columns(table) {
    const body = table.tBodies[0], rows = [...body.rows], find = document.getElementById("find");
    const names = rows.map((one) => one.cells[0].textContent.toLowerCase());
    if (rows.length > 12) {
      find.closest(".find").hidden = false;
      find.addEventListener("input", () => {
        const wanted = find.value.toLowerCase();
        rows.forEach((one, i) => { one.hidden = !names[i].includes(wanted); });
      });
    }
    const value = (one, i) => {
      const cell = one.cells[i], text = (cell.dataset.v ?? cell.textContent).replaceAll(",", "").replace("−", "-");
      const number = parseFloat(text);
      return Number.isNaN(number) ? text : number;
    };
    [...table.tHead.rows[0].cells].forEach((head, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && i < 2);
        for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const order = (a, b) => {
          const x = value(a, i), y = value(b, i);
          // What has no number stays at the end, whichever way it is sorted.
          if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
          return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
        };
        body.append(...[...rows].sort(order));
      });
    });
  }
})();
