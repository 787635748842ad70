// Elements of the page. What comes from outside is text in them, and never markup.

export function element(name, className = "", text = "") {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

export function button(className, text, act) {
  const node = element("button", className, text);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

// Let the children of `parent` from number `from` on be `wanted`. What stays is never moved: a frame
// that is moved is loaded again, and a control loses the focus.
export function placeNodes(parent, wanted, from = 0) {
  const staying = new Set(wanted);
  for (const node of [...parent.children].slice(from)) if (!staying.has(node)) node.remove();
  let place = parent.children[from] || null;
  for (const node of wanted) {
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
}

export function field(type, name = "input") {
  const node = element(name);
  if (name === "input") node.type = type;
  return node;
}

// What a state says, told once for each time that it changes.
export function changes(tell) {
  let before;
  return value => {
    const now = JSON.stringify(value ?? null);
    if (now === before) return;
    before = now;
    tell(value);
  };
}
