/** Starts what every page needs: the shared behaviours, and those of the apps. */

import "payments/token-balance";
import { connect as connectChatList } from "chat/chat-list";
import { connect as connectDrawer } from "drawer";
import { connect as connectHotkeys } from "hotkeys";
import { connect as connectMenus } from "menu";
import { connect as connectOffline } from "offline";
import { connect as connectBalance } from "payments/balance-feeds";
import { connect as connectSignedOut } from "payments/signed-out";
import { connect as connectTheme } from "theme";
import { connect as connectTimes } from "times";
import { connect as connectToasts } from "toast";
import { connect as connectUserStorage } from "user-storage";

connectTheme(document);
connectTimes();
connectMenus(document);
connectToasts(document);
connectOffline(document);
connectHotkeys(document);
connectDrawer(document);
connectUserStorage(document);
connectChatList(document);
connectBalance(); // signed out too: the other tabs must hear of it
if (document.body.dataset.userId) connectSignedOut(document);
