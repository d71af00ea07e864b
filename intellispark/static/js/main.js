/** What every page does: theme, times, menus, drawer, toasts, search key, offline note, live balance. */

import "payments/token-balance";
import { connect as connectBalance } from "payments/balance-feeds";
import { connect as connectChatNews } from "chat/chat-news";
import { connect as connectDrawer } from "drawer";
import { connect as connectHotkeys } from "hotkeys";
import { connect as connectMenus } from "menu";
import { connect as connectOffline } from "offline";
import { connect as connectPersonal } from "personal";
import { connect as connectSignedOut } from "payments/signed-out";
import { connect as connectTheme } from "theme";
import { connect as connectTimes } from "times";
import { connect as connectToasts } from "toast";

connectTheme(document);
connectTimes();
connectMenus(document);
connectToasts(document);
connectOffline(document);
connectHotkeys(document);
connectDrawer(document);
connectPersonal(document);
connectChatNews(document);
connectBalance(); // signed out too: that is what it tells the other tabs
if (document.body.dataset.userId) connectSignedOut(document);
