/**
 * Keeps the end of a growing conversation in view, until the reader moves up: by wheel, finger, key
 * or scroll bar. From the first such move on it stays where they are, however fast the text grows,
 * and a button leads back to the end. Whoever reaches the end follows again.
 */

const NEAR_END_PX = 48;
const EXACT_PX = 1; // positions are fractions of pixels on some screens
const KEYS_UP = ["ArrowUp", "PageUp", "Home"];

export class Follower {
  #scroller;
  #jump;
  #following = true;
  #top = 0;
  /** Where the finger was last, in pixels from the top of the screen. */
  #finger = 0;

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} content
   * @param {HTMLElement} jump The button that leads to the latest message.
   */
  constructor(scroller, content, jump) {
    this.#scroller = scroller;
    this.#jump = jump;
    scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    this.#listenForMoves();
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
    this.#top = this.#scroller.scrollTop;
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
    this.#top = this.#scroller.scrollTop;
  }

  get #fromEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** The moves themselves: while text grows, the scroll event may come when all is over. */
  #listenForMoves() {
    const passive = { passive: true };
    this.#scroller.addEventListener("wheel", ({ deltaY }) => deltaY < 0 && this.#leave(), passive);
    this.#scroller.addEventListener(
      "touchstart",
      ({ touches: [touch] }) => (this.#finger = touch.clientY),
      passive,
    );
    this.#scroller.addEventListener(
      "touchmove",
      ({ touches: [touch] }) => {
        if (touch.clientY > this.#finger) this.#leave(); // down with the finger is up in the text
        this.#finger = touch.clientY;
      },
      passive,
    );
    this.#scroller.addEventListener("keydown", ({ key, shiftKey }) => {
      if (KEYS_UP.includes(key) || (key === " " && shiftKey)) this.#leave();
    });
  }

  #leave() {
    if (this.#scroller.scrollTop > 0) this.#following = false; // else there is nowhere to go
  }

  #onScroll() {
    const { scrollTop } = this.#scroller;
    const fromEnd = this.#fromEnd;
    // A screen that grows, or a text that shrinks, also moves up: exactly to the end.
    if (scrollTop < this.#top && fromEnd > EXACT_PX) this.#following = false;
    else if (scrollTop !== this.#top && fromEnd < NEAR_END_PX) this.#following = true;
    this.#top = scrollTop;
    this.#jump.hidden = this.#following || fromEnd < NEAR_END_PX;
  }

  #onResize() {
    if (this.#following) this.toEnd();
    else this.#jump.hidden = this.#fromEnd < NEAR_END_PX;
  }
}
