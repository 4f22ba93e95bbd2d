// What the page does beyond being read; without it a figure's link opens its file, and the reader's system chooses the
// colours. It comes before the body, so that a remembered choice of colours never flashes.
"use strict";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

// A browser may forbid a page opened from disk to keep anything.
function remembered() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
}

function remember(theme) {
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // Then it lasts as long as the page.
  }
}

if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();

function offerTheme() {
  const button = document.querySelector(".theme");
  const isDark = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const show = () => button.setAttribute("aria-pressed", isDark());
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    show();
  });
  dark.addEventListener("change", show);
  show();
  button.hidden = false;
}

function followContents() {
  const bar = document.querySelector(".contents details");
  const wide = matchMedia("(min-width: 72rem)");
  const unfold = () => { bar.open = wide.matches; };
  wide.addEventListener("change", unfold);
  unfold();
  bar.addEventListener("click", (event) => {
    if (event.target.closest("a") && !wide.matches) bar.open = false;
  });

  const links = new Map([...bar.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const watch = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) seen[isIntersecting ? "add" : "delete"](target);
    const first = sections.find((section) => seen.has(section));
    for (const [id, link] of links) {
      if (first?.getAttribute("aria-labelledby") === id) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-10% 0px -60% 0px" });
  const sections = [...document.querySelectorAll("main > section")];
  for (const section of sections) watch.observe(section);
}

/** A claim that the address leads to is opened. */
function openAsked() {
  const open = () => {
    const asked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (asked?.matches("details")) asked.open = true;
  };
  window.addEventListener("hashchange", open);
  open();
}

function zoomFigures() {
  const dialog = document.querySelector("dialog.zoom");
  const [which, before, after, size, picture, caption] = ["which", "before", "after", "size", "picture", "caption"]
    .map((name) => dialog.querySelector(`.${name}`));
  const links = [...document.querySelectorAll("figure a.zoom")];
  let shown = 0;

  function actual(on) {
    size.setAttribute("aria-pressed", on);
    picture.classList.toggle("actual", on);
  }

  function show(index) {
    shown = index;
    const [link, small] = [links[index], links[index].querySelector("img")];
    const large = new Image(small.getAttribute("width"), small.getAttribute("height"));
    large.alt = small.alt;
    picture.classList.toggle("chart", link.classList.contains("chart"));
    large.src = link.href;
    picture.replaceChildren(large);
    picture.scrollTo(0, 0);
    const words = link.closest("figure").querySelector("figcaption p");
    which.textContent = `${words.querySelector("b").textContent.slice(0, -1)} (${index + 1} of ${links.length} here)`;
    caption.textContent = words.textContent;
    before.disabled = index === 0;
    after.disabled = index === links.length - 1;
    actual(false);
  }

  function go(steps) {
    if (links[shown + steps]) show(shown + steps);
  }

  links.forEach((link, index) => link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(index);
    dialog.showModal();
  }));
  before.addEventListener("click", () => go(-1));
  after.addEventListener("click", () => go(1));
  size.addEventListener("click", () => actual(!picture.classList.contains("actual")));
  picture.addEventListener("click", () => actual(!picture.classList.contains("actual")));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    // In actual size the arrows move the picture.
    if (picture.classList.contains("actual") && document.activeElement === picture) return;
    if (event.key === "ArrowLeft") go(-1);
    else if (event.key === "ArrowRight") go(1);
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("close", () => links[shown].focus());
}

document.addEventListener("DOMContentLoaded", () => {
  offerTheme();
  followContents();
  openAsked();
  zoomFigures();
});
