"use strict";

// Frames on which the reader names the side before the policy turns; two rules play along.
(() => {
  const { $, study, fill, filled } = page;
  const rounds = study.guesses;
  if (!rounds) return;
  const players = ["you", "darker", "probe"];
  const right = Object.fromEntries(players.map((name) => [name, 0]));
  let number = 0;

  function ask() {
    fill($("count"), { number: number + 1, of: rounds.length });
    $("asked").src = rounds[number].picture;
    $("truth").dataset.side = "unknown";
    for (const name of players) $(`${name}-says`).textContent = "";
    for (const side of ["left", "right"]) $(side).hidden = false;
    $("next").hidden = true;
    $("truth").querySelector(".turn").textContent = "?";
    $("truth").querySelector(".hand").style.transform = "";
    $("reply").textContent = "";
  }

  function answer(side) {
    const round = rounds[number];
    const said = { ...round, you: side };
    for (const name of players) {
      right[name] += Number(said[name] === round.policy);
      $(`${name}-says`).textContent = said[name];
      $(name).textContent = `${right[name]} of ${number + 1}`;
    }
    dial.point($("truth"), round.turning);
    $("reply").textContent = filled($("reply").dataset[side === round.policy ? "right" : "wrong"], { side: round.policy });
    for (const name of ["left", "right"]) $(name).hidden = true;
    number += 1;
    if (number < rounds.length) {
      $("next").hidden = false;
      $("next").focus();
    } else {
      const counts = { ...right, of: rounds.length, coin: Math.round(rounds.length / 2) };
      $("reply").textContent += ` ${filled($("reply").dataset.end, counts)}`;
    }
  }

  for (const side of ["left", "right"]) $(side).addEventListener("click", () => answer(side));
  $("next").addEventListener("click", () => {
    ask();
    $("left").focus();
  });
  $("game").addEventListener("keydown", (event) => {
    const side = { ArrowLeft: "left", ArrowRight: "right" }[event.key];
    if (!side || $(side).hidden) return;
    event.preventDefault();
    answer(side);
  });
  $("game").hidden = false;
  ask();
})();
