(() => {
  const field = document.querySelector(".search input");
  const cards = [...document.querySelectorAll(".card")];
  const texts = cards.map(card => (card.textContent + " " + card.dataset.search).toLowerCase());
  const shown = card => getComputedStyle(card).display !== "none";
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    cards.forEach((card, i) => card.classList.toggle("missed", !words.every(word => texts[i].includes(word))));
    for (const group of document.querySelectorAll(".group"))
      group.hidden = ![...group.querySelectorAll(".card")].some(shown);
  };
  field.closest(".search").hidden = false;
  document.addEventListener("input", show);
})();
