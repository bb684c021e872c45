// Makes pages live and commands easy to copy. Every page works without it.
(() => {
  "use strict";

  // A button beside each command. It copies text and never runs anything.
  const addCopyButtons = (root) => {
    if (!navigator.clipboard) return;
    for (const code of root.querySelectorAll("pre > code")) {
      const pre = code.parentElement;
      if (pre.parentElement.classList.contains("copied")) continue;
      const box = document.createElement("div");
      box.className = "copied";
      pre.replaceWith(box);
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(code.textContent);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Not copied";
        }
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
      });
      box.append(pre, button);
    }
  };

  // Takes the part that changes from a fresh copy of the page, and leaves open what was open.
  const refresh = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    const old = document.getElementById("live");
    if (!fresh || !old) return;
    const open = [...old.querySelectorAll("details")].map((details) => details.open);
    fresh.querySelectorAll("details").forEach((details, i) => { details.open = open[i] ?? false; });
    old.replaceWith(document.adoptNode(fresh));
    document.title = page.title;
    addCopyButtons(document.getElementById("live"));
  };

  addCopyButtons(document);
  const live = document.getElementById("live");
  if (!live || !window.EventSource) return;
  const about = live.dataset.live;
  let waiting = false;
  new EventSource("/events").addEventListener("change", (event) => {
    if (about !== "*" && event.data !== "*" && event.data !== about) return;
    if (waiting) return;
    waiting = true;
    setTimeout(() => { waiting = false; refresh().catch(() => {}); }, 500);
  });
})();
