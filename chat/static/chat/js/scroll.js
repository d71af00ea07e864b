/**
 * Keeps the end of a growing conversation in view. Once the reader scrolls up, it stays where they
 * are, and a button leads back to the end.
 */

const NEAR_END_PX = 48;

export class Follower {
  #scroller;
  #jump;
  #following = true;
  #height = 0;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} content
   * @param {HTMLElement} jump The button that leads to the latest message.
   */
  constructor(scroller, content, jump) {
    this.#scroller = scroller;
    this.#jump = jump;
    scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    jump.addEventListener("click", () => {
      this.toEnd({ smooth: true });
      scroller.focus({ preventScroll: true }); // the button that had it is hidden now
    });
    const observer = new ResizeObserver(() => this.#onResize());
    observer.observe(content);
    observer.observe(scroller); // a phone's keyboard makes it smaller
    this.toEnd();
  }

  /** @param {{smooth?: boolean}} [options] */
  toEnd({ smooth = false } = {}) {
    this.#following = true;
    this.#jump.hidden = true;
    this.#scroller.scrollTo({
      top: this.#scroller.scrollHeight,
      behavior: smooth ? "smooth" : "instant",
    });
  }

  /**
   * Keep what is in view where it is while `change` puts something above it.
   *
   * @param {() => void} change
   */
  keep(change) {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    change();
    this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
  }

  get #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  #onScroll() {
    // The content has grown; nobody has scrolled. The resize that follows goes to the end.
    if (this.#scroller.scrollHeight > this.#height && this.#following) return;
    this.#following = this.#atEnd;
    this.#jump.hidden = this.#following;
  }

  #onResize() {
    this.#height = this.#scroller.scrollHeight;
    if (this.#following) this.toEnd();
    else this.#jump.hidden = this.#atEnd;
  }
}
