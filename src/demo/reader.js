// A very small feed reader. What feeds hold is shown in shadow trees; the page's content security policy
// keeps their scripts from running.
"use strict";

const FEEDS = [
  { name: "RSS", path: "/feed.xml", feed: "demo-rss" },
  { name: "Atom", path: "/atom.xml", feed: "demo-atom" },
  { name: "JSON Feed", path: "/feed.json", feed: "demo-json" },
  { name: "Full text", path: "/founding.xml", feed: "demo-full" },
];
const feedwright = location.hash.slice(1) || "http://127.0.0.1:8080";
const byId = (id) => document.getElementById(id);

function child(element, ...names) {
  for (const name of names) {
    const found = [...element.children].find((one) => one.nodeName === name);
    if (found) return found;
  }
  return null;
}

function readAtomContent(entry) {
  const content = child(entry, "content", "summary");
  if (!content) return "";
  if (content.getAttribute("type") !== "xhtml") return content.textContent;
  // Prefixed XHTML becomes HTML again.
  const html = document.importNode(content.firstElementChild, true);
  return new XMLSerializer().serializeToString(html).replace(/<(\/?)\w+:/g, "<$1");
}

function readXml(text, address) {
  const feed = new DOMParser().parseFromString(text, "text/xml");
  if (feed.querySelector("parsererror")) throw new Error("not well-formed");
  return [...feed.querySelectorAll("item, entry")].map((item) => {
    const link = child(item, "link");
    const isAtom = item.nodeName === "entry";
    const image =
      child(item, "media:thumbnail", "media:content", "enclosure") ||
      item.querySelector("link[rel=enclosure]");
    return {
      title: child(item, "title")?.textContent.replace(/<[^>]*>/g, "") ?? "",
      html: isAtom
        ? readAtomContent(item)
        : (child(item, "content:encoded", "description")?.textContent ?? ""),
      image: image?.getAttribute("url") ?? image?.getAttribute("href"),
      base: isAtom ? (item.baseURI.startsWith("http") ? item.baseURI : address) : link?.textContent,
    };
  });
}

function readJson(text) {
  return JSON.parse(text).items.map((item) => ({
    title: item.title,
    html: item.content_html ?? `<p>${item.content_text.replace(/[&<]/g, (c) => `&#${c.charCodeAt()};`)}</p>`,
    image: item.image ?? item.banner_image ?? item.attachments?.[0]?.url,
    base: item.url,
  }));
}

function showItem(item) {
  const article = document.createElement("article");
  const title = document.createElement("h3");
  title.textContent = item.title;
  const note = document.createElement("p");
  note.className = "note";
  const body = document.createElement("div");
  const content = new DOMParser().parseFromString(item.html, "text/html");
  for (const noscript of content.querySelectorAll("noscript")) noscript.remove();
  for (const image of content.querySelectorAll("img")) {
    // Lazy images are shown at once; relative addresses mean the item's own page.
    const address = image.getAttribute("data-src") ?? image.getAttribute("src") ?? "";
    image.src = new URL(address, item.base || location).href;
  }
  if (item.image && !content.querySelector("img")) {
    const image = content.createElement("img");
    image.src = new URL(item.image, item.base || location).href;
    image.alt = "";
    content.body.prepend(image);
  }
  const tree = body.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = "img { max-width: 100%; height: auto } figure { margin: 0 } a { color: inherit }";
  tree.append(style, ...content.body.childNodes);
  const images = [...tree.querySelectorAll("img")];
  const count = () => {
    const broken = images.filter((image) => image.complete && !image.naturalWidth).length;
    note.textContent = broken ? `${broken} of ${images.length} images broken` : "";
    note.className = broken ? "note broken" : "note";
  };
  for (const image of images) {
    image.loading = "eager";
    image.addEventListener("load", count);
    image.addEventListener("error", count);
  }
  article.append(title, note, body);
  return article;
}

async function show(place, address) {
  byId(`${place}-address`).textContent = address;
  try {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    const text = await response.text();
    const items = text.trimStart().startsWith("{") ? readJson(text) : readXml(text, address);
    byId(place).replaceChildren(...items.map(showItem));
  } catch (error) {
    const trouble = document.createElement("p");
    trouble.className = "broken";
    trouble.textContent = `${address}: ${error.message}`;
    byId(place).replaceChildren(trouble);
  }
}

function choose(feed) {
  for (const button of byId("feeds").children) {
    button.setAttribute("aria-pressed", String(button.textContent === feed.name));
  }
  show("before", new URL(feed.path, location).href);
  show("after", `${feedwright}/feeds/${feed.feed}`);
}

for (const feed of FEEDS) {
  const button = document.createElement("button");
  button.textContent = feed.name;
  button.addEventListener("click", () => choose(feed));
  byId("feeds").append(button);
}
choose(FEEDS[0]);
