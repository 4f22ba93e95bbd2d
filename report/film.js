"use strict";

// The film beside the message. It plays at once unless the reader wants no motion; stopped it shows its first picture.
document.addEventListener("DOMContentLoaded", () => {
  const film = document.querySelector(".film");
  if (!film) return;
  const [still, button, moving] = [film.querySelector("canvas"), film.querySelector("button"), new Image()];
  const plays = () => moving.isConnected;

  function toggle() {
    if (plays()) moving.replaceWith(still);
    else still.replaceWith(moving);
    button.textContent = plays() ? button.dataset.stop : button.dataset.play;
  }

  moving.alt = still.getAttribute("aria-label");
  moving.addEventListener("load", () => {
    [still.width, still.height] = [moving.naturalWidth, moving.naturalHeight];
    still.getContext("2d").drawImage(moving, 0, 0);
    button.textContent = button.dataset.play;
    button.addEventListener("click", toggle);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) toggle();
  }, { once: true });
  moving.addEventListener("error", () => { film.hidden = true; });
  moving.src = film.dataset.file;
  film.hidden = false;
});
