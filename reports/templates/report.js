"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const matrix = byId("matrix:");
  const rows = [...matrix.querySelectorAll(".r")];
  const folds = [...matrix.querySelectorAll(".g, .fold")];
  const sections = [...matrix.querySelectorAll(".sec")];
  const heads = [...matrix.querySelectorAll(".h > .c:not(.kinds) > *")];
  const names = heads.flatMap((kind) => [...kind.children].map((cell) => cell.title));
  const words = new Map();
  const field = byId("filter:");
  const unfold = byId("unfold:");
  const target = byId("target:");
  const differ = matrix.querySelector("[data-differ]");
  const chips = [...matrix.querySelectorAll(".chips [data-outcome]")];
  const known = new Map();
  const GRAVITY = "fxekpsnz";
  const ANY = -1;
  const GRAVEST = -2;
  let column = ANY;
  let hidden = new Set();
  let before = null;

  document.documentElement.classList.add("js");
  for (const chip of chips) words.set(chip.dataset.outcome, chip.lastChild.textContent.trim());

  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));

  /* The cells of a row, one a column: those of a kind that are alike are one on the page, as are all of them. */
  const outcomes = (row) => {
    const blocks = [...row.querySelector(".c").children];
    if (blocks[0]?.tagName === "I") return names.map(() => blocks[0].className[0]);
    return blocks.flatMap((block, kind) => {
      const cells = [...block.children].map((cell) => cell.className[0]);
      return cells.length === 1 ? [...heads[kind].children].map(() => cells[0]) : cells;
    });
  };

  /* What a row says, read from the page when it is first asked for. */
  const facts = (row) => {
    if (!known.has(row)) {
      const cells = outcomes(row);
      const gravest = [...GRAVITY].find((outcome) => cells.includes(outcome));
      known.set(row, { text: row.textContent.toLowerCase(), cells, gravest });
    }
    return known.get(row);
  };

  /* Whether the columns that are shown disagree. */
  const differs = (cells) => {
    const seen = cells.filter((cell, at) => !hidden.has(at));
    return seen.some((cell) => "fk".includes(cell)) && seen.some((cell) => "px".includes(cell));
  };

  const matches = (row, terms, outcomes) => {
    const { text, cells, gravest } = facts(row);
    const seen = column === ANY ? cells : [column === GRAVEST ? gravest : cells[column] || cells[0]];
    return terms.every((term) => text.includes(term))
      && (!outcomes.size || seen.some((cell) => outcomes.has(cell)))
      && (!pressed(differ) || differs(cells));
  };

  const filter = () => {
    const terms = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const outcomes = new Set(chips.filter(pressed).map((chip) => chip.dataset.outcome));
    hidden = new Set(names.keys());
    for (const at of names.keys()) if (shown(at)) hidden.delete(at);
    const active = terms.length > 0 || outcomes.size > 0 || pressed(differ);
    const used = new Set();
    let count = 0;
    for (const row of rows) {
      row.hidden = active && !matches(row, terms, outcomes);
      if (row.hidden) continue;
      count += 1;
      for (let node = row.parentElement; node !== matrix; node = node.parentElement) used.add(node);
    }
    if (active && !before) before = new Map(folds.map((fold) => [fold, fold.open]));
    for (const fold of folds) {
      fold.hidden = active && !used.has(fold);
      if (active) fold.open = used.has(fold);
      else if (before) fold.open = before.get(fold);
    }
    for (const section of sections) section.hidden = active && !used.has(section);
    if (!active) before = null;
    target.hidden = column === ANY;
    target.textContent = column === GRAVEST ? "as the worst outcome ×" : `on ${names[column]} ×`;
    const away = hidden.size ? `${hidden.size} of ${names.length} columns hidden` : "";
    byId("shown:").textContent = [active ? `${count} of ${rows.length} requirements` : "", away].filter(Boolean).join(", ");
  };

  const kindOf = (at) => heads.findIndex((kind) => (at -= kind.children.length) < 0);
  const shown = (at) => (byId(`column:${at}`)?.checked ?? true) && (byId(`kind:${kindOf(at)}`)?.checked ?? true);

  const clear = () => {
    field.value = "";
    column = ANY;
    for (const button of [differ, ...chips]) press(button, false);
    filter();
  };

  /* Open what the address names, and all that it lies in. */
  const visit = () => {
    const found = byId(location.hash.slice(1));
    if (!found) return;
    if (found.closest("[hidden]")) clear();
    for (let node = found; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    found.scrollIntoView();
  };

  const open = (items, state) => { for (const item of items) item.open = state; };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const link = event.target.closest("a.out");
    if (link) {
      const shown = link.parentElement.querySelector(`[data-of="${link.hash.slice(1)}"]`);
      event.preventDefault();
      if (shown) { shown.remove(); return; }
      const copy = byId(link.hash.slice(1)).cloneNode(true);
      copy.removeAttribute("id");
      copy.dataset.of = link.hash.slice(1);
      link.parentElement.append(copy);
    } else if (!button) {
      return;
    } else if (button === unfold) {
      press(unfold, !pressed(unfold));
      unfold.textContent = pressed(unfold) ? "Fold all" : "Unfold all";
      open(folds, pressed(unfold));
    } else if (button === target) {
      column = ANY;
      filter();
      field.focus();
    } else if (button.classList.contains("pick")) {
      clear();
      const all = "differ" in button.dataset;
      column = all ? ANY : Number(button.dataset.column ?? GRAVEST);
      for (const chip of chips) press(chip, chip.dataset.outcome === button.dataset.outcome);
      press(differ, all);
      filter();
      matrix.scrollIntoView();
    } else if (button === differ || chips.includes(button)) {
      press(button, !pressed(button));
      filter();
    }
  });
  field.addEventListener("input", filter);
  matrix.addEventListener("change", (event) => { if (event.target.type === "checkbox") filter(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== field && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape" && event.target === field) {
      clear();
    }
  });

  /* The address follows the row that was opened last, to be copied. */
  matrix.addEventListener("click", (event) => {
    const row = event.target.closest(".r > summary")?.parentElement;
    if (row?.id && !row.open) history.replaceState(null, "", `#${row.id}`);
  });

  matrix.addEventListener("mouseover", (event) => {
    const cell = event.target.closest(".c i");
    if (!cell || cell.title) return;
    const word = words.get(cell.className[0]) || "";
    const block = cell.parentElement;
    const kind = heads[[...block.parentElement.children].indexOf(block)];
    if (cell.classList.contains("w") || !kind) { cell.title = word; return; }
    const own = [...kind.children].map((head) => head.title);
    const at = [...block.children].indexOf(cell);
    cell.title = `${block.children.length === 1 ? own.join(", ") : own[at]}: ${word}`;
  });

  /* On paper nothing can be opened, so what needs attention is open. */
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = rows.filter((row) => !row.open && !row.hidden && row.querySelector(".b-f, .b-x, .b-e, .b-k"));
    const more = byId("outputs:");
    if (more && !more.open) closed.push(more);
    open(closed, true);
  });
  window.addEventListener("afterprint", () => open(closed, false));

  window.addEventListener("hashchange", visit);
  visit();
})();
