"use strict";
const form = document.getElementById("filter"), words = document.getElementById("words"), kind = document.getElementById("kind");
const found = document.getElementById("found"), sections = [...document.querySelectorAll("section")];
const claims = [...document.querySelectorAll(".claim")].map((node) => [node, node.textContent.toLowerCase()]);
function filter() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean), kinds = kind.value.split(" ").filter(Boolean);
  let shown = 0;
  for (const [node, text] of claims) {
    const fits = (!kinds.length || kinds.includes(node.parentNode.id)) && wanted.every((word) => text.includes(word));
    node.hidden = !fits;
    shown += fits;
  }
  for (const section of sections) section.hidden = !section.querySelector(".claim:not([hidden])");
  found.textContent = found.dataset.text.replace("#", shown);
}
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
words.addEventListener("input", filter);
kind.addEventListener("change", filter);
