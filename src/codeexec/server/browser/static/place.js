// Where the window stands: at the end of what runs, or where its user has gone.

const by = id => document.getElementById(id);

export class Place {
  constructor() {
    this.isFollowing = true;
    this.isPlaced = false;
    this.followed = null; // what is followed; null: the end of the page
    addEventListener("hashchange", () => { this.isPlaced = false; this.show(); });
    // Only the user scrolls up; what grows below the window is followed.
    for (const kind of ["wheel", "touchmove", "keydown"]) {
      addEventListener(kind, () => { if (!isInWidget()) requestAnimationFrame(() => { this.isFollowing = this.isAtEnd(); }); }, { passive: true });
    }
    // A control stays below the pointer while output grows.
    for (const kind of ["pointerdown", "focusin"]) {
      addEventListener(kind, event => { if (event.target.closest?.(".widget")) this.letGo(); }, { passive: true });
    }
    addEventListener("scroll", () => { if (this.isAtEnd() && !isInWidget()) this.isFollowing = true; this.showButton(); }, { passive: true });
    new ResizeObserver(() => { if (this.isFollowing) this.toEnd(); }).observe(by("executions"));
    by("follow").addEventListener("click", () => this.follow());
  }

  // The execution that the address names, once; else the end while it is followed.
  show() {
    const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (named?.matches("article.card") && !this.isPlaced) {
      this.isPlaced = true;
      this.isFollowing = false;
      named.focus({ preventScroll: true });
      named.scrollIntoView({ block: "start" });
      this.showButton();
    } else if (this.isFollowing) {
      this.toEnd();
    }
  }

  // The window stays where it is, although something appears above it.
  keep(change) {
    const height = document.documentElement.scrollHeight;
    this.isFollowing = false;
    change();
    scrollBy({ top: document.documentElement.scrollHeight - height });
    this.showButton();
  }

  follow() {
    this.isFollowing = true;
    this.toEnd();
    this.showButton();
  }

  letGo() {
    this.isFollowing = false;
    this.showButton();
  }

  // The focus so many executions further.
  go(step) {
    const shown = [...document.querySelectorAll("article.card:not([hidden])")];
    const current = shown.indexOf(document.activeElement?.closest?.("article.card"));
    const last = shown.length - 1;
    const next = shown[current < 0 ? (step > 0 ? 0 : last) : Math.min(Math.max(current + step, 0), last)];
    if (!next) return;
    this.isFollowing = next === shown[last];
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    this.showButton();
  }

  isAtEnd() {
    if (!this.followed?.isConnected) return document.documentElement.scrollHeight - innerHeight - scrollY < 60;
    const { top, bottom } = this.followed.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  }

  toEnd() {
    if (this.followed?.isConnected) this.followed.scrollIntoView({ block: "nearest" });
    else scrollTo({ top: document.documentElement.scrollHeight });
  }

  showButton() {
    by("follow").hidden = this.isFollowing || this.isAtEnd();
  }
}

function isInWidget() {
  return Boolean(document.activeElement?.closest?.(".widget"));
}
