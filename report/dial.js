"use strict";

// Which way the policy turns: an arrow and words.
const dial = (() => {
  const { study, signed, filled } = page;
  const ANGLE = 90; // degrees of a whole turn
  const STRAIGHT = 0.005; // steering that is shown as none

  /** Points a dial's arrow to the side of a turn, positive to the left, and says it; returns the words. */
  function point(element, turning) {
    element.querySelector(".hand").style.transform = `rotate(${-ANGLE * Math.max(-1, Math.min(1, turning))}deg)`;
    const said = element.querySelector(".turn");
    const side = Math.abs(turning) < STRAIGHT ? "straight" : turning > 0 ? "left" : "right";
    element.dataset.side = side;
    said.textContent = filled(said.dataset[side], { number: signed(study.side * turning, 2) });
    return said.textContent;
  }

  return { point };
})();
