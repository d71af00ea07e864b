-- The ledger's triggers for SQLite, installed after migrate (install.py). What can be seen in the
-- row alone is checked by constraints (models/constraints.py); here is what needs other rows.
--
-- SQLite has one writer, so what a trigger reads cannot change under it. A trigger cannot assign
-- columns, so the INSERT brings the computed ones as sub-selects (LedgerEntry._do_insert) and the
-- trigger demands that they match. RAISE comes first for every unique key: OR REPLACE and OR
-- IGNORE would otherwise get around the index. SQLite looks at constraints after this: where OR
-- IGNORE meets one, it drops the row, and the wallet stays as it is.

-- statement
CREATE TRIGGER payments_entry_guard BEFORE INSERT ON payments_ledgerentry
BEGIN
    SELECT RAISE(ABORT, 'ledger_no_wallet')
    WHERE NOT EXISTS (SELECT 1 FROM payments_wallet WHERE user_id = NEW.wallet_id);

    SELECT RAISE(ABORT, 'ledger_key_used')
    WHERE EXISTS (
        SELECT 1 FROM payments_ledgerentry WHERE wallet_id = NEW.wallet_id AND key = NEW.key
    );

    SELECT RAISE(ABORT, 'ledger_replaces')
    WHERE EXISTS (SELECT 1 FROM payments_ledgerentry WHERE id = NEW.id)
       OR EXISTS (
            SELECT 1 FROM payments_ledgerentry
            WHERE wallet_id = NEW.wallet_id AND version = NEW.version
       );

    SELECT RAISE(ABORT, 'ledger_hold_resolved')
    WHERE NEW.hold_id IS NOT NULL
      AND EXISTS (SELECT 1 FROM payments_ledgerentry WHERE hold_id = NEW.hold_id);

    SELECT RAISE(ABORT, 'ledger_reversed')
    WHERE NEW.reverses_id IS NOT NULL
      AND EXISTS (SELECT 1 FROM payments_ledgerentry WHERE reverses_id = NEW.reverses_id);

    SELECT RAISE(ABORT, 'ledger_computed')
    FROM payments_wallet w
    WHERE w.user_id = NEW.wallet_id
      AND (NEW.version IS NOT w.version + 1
        OR NEW.epoch IS NOT w.epoch
        OR NEW.balance_after IS NOT w.balance + NEW.amount
        OR NEW.held_after IS NOT w.held + NEW.held_change
        OR NEW.created_at IS NOT STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW'));

    -- Tokens past their date must not be let out, nor counted as there: this comes before the
    -- funds, which a constraint checks.
    SELECT RAISE(ABORT, 'ledger_expiry_due')
    FROM payments_wallet w
    WHERE w.user_id = NEW.wallet_id AND w.next_expiry <= NEW.created_at
      AND (NEW.kind IN ('hold', 'spend', 'clawback')
        OR (NEW.kind = 'adjustment' AND NEW.amount < 0));

    SELECT RAISE(ABORT, 'ledger_hold')
    WHERE NEW.hold_id IS NOT NULL
      AND NOT EXISTS (
        SELECT 1 FROM payments_ledgerentry h
        WHERE h.id = NEW.hold_id AND h.wallet_id = NEW.wallet_id
          AND h.kind = 'hold' AND h.held_change = -NEW.held_change
      );

    SELECT RAISE(ABORT, 'ledger_lot')
    WHERE NEW.kind = 'expiry'
      AND NOT EXISTS (
        SELECT 1 FROM payments_ledgerentry g
        WHERE g.id = NEW.lot_id AND g.wallet_id = NEW.wallet_id AND g.expires_at <= NEW.created_at
          AND g.amount + NEW.amount + COALESCE(
            (SELECT SUM(x.amount) FROM payments_ledgerentry x WHERE x.lot_id = g.id), 0
          ) >= 0
      );

    SELECT RAISE(ABORT, 'ledger_reversal')
    WHERE NEW.reverses_id IS NOT NULL
      AND NOT EXISTS (
        SELECT 1 FROM payments_ledgerentry r
        WHERE r.id = NEW.reverses_id AND r.wallet_id = NEW.wallet_id
          AND r.kind IN ('spend', 'capture') AND r.amount = -NEW.amount
      );
END

-- statement
CREATE TRIGGER payments_entry_move AFTER INSERT ON payments_ledgerentry
BEGIN
    UPDATE payments_wallet
    SET balance = NEW.balance_after, held = NEW.held_after, version = NEW.version,
        updated_at = NEW.created_at,
        -- A new lot, or the end of a hold that may have kept tokens beyond their date.
        -- MIN of a NULL is NULL, hence the pairs of COALESCE.
        next_expiry = CASE WHEN NEW.hold_id IS NOT NULL
            THEN MIN(COALESCE(next_expiry, overdue_since), COALESCE(overdue_since, next_expiry))
            ELSE MIN(COALESCE(next_expiry, NEW.expires_at), COALESCE(NEW.expires_at, next_expiry))
            END
    WHERE user_id = NEW.wallet_id;

    SELECT RAISE(ABORT, 'ledger_not_moved')
    WHERE NOT EXISTS (
        SELECT 1 FROM payments_wallet
        WHERE user_id = NEW.wallet_id AND version = NEW.version
          AND balance = NEW.balance_after AND held = NEW.held_after
    );
END

-- statement
CREATE TRIGGER payments_entry_no_update BEFORE UPDATE ON payments_ledgerentry
BEGIN
    SELECT RAISE(ABORT, 'ledger_immutable');
END

-- statement
CREATE TRIGGER payments_entry_no_delete BEFORE DELETE ON payments_ledgerentry
BEGIN
    SELECT RAISE(ABORT, 'ledger_immutable');
END

-- statement
CREATE TRIGGER payments_wallet_opens BEFORE INSERT ON payments_wallet
BEGIN
    SELECT RAISE(ABORT, 'ledger_wallet_exists')
    WHERE EXISTS (SELECT 1 FROM payments_wallet WHERE user_id = NEW.user_id);

    SELECT RAISE(ABORT, 'ledger_wallet_opens_empty')
    WHERE NEW.balance <> 0 OR NEW.held <> 0 OR NEW.version <> 0 OR NEW.epoch <> 1
       OR NEW.next_expiry IS NOT NULL OR NEW.overdue_since IS NOT NULL;
END

-- statement
CREATE TRIGGER payments_wallet_moves BEFORE UPDATE ON payments_wallet
BEGIN
    SELECT RAISE(ABORT, 'ledger_wallet_guard')
    WHERE NEW.user_id IS NOT OLD.user_id OR NEW.epoch NOT IN (OLD.epoch, OLD.epoch + 1);

    SELECT RAISE(ABORT, 'ledger_wallet_guard')
    WHERE (NEW.balance IS NOT OLD.balance
        OR NEW.held IS NOT OLD.held
        OR NEW.version IS NOT OLD.version)
      AND NOT EXISTS (
        SELECT 1 FROM payments_ledgerentry
        WHERE wallet_id = NEW.user_id AND version = NEW.version
          AND NEW.version = OLD.version + 1 AND NEW.epoch = OLD.epoch
          AND balance_after = NEW.balance AND held_after = NEW.held
      );

    -- Settlement moves it on, but never past the date of a lot that is still to come.
    SELECT RAISE(ABORT, 'ledger_next_expiry')
    WHERE OLD.next_expiry < COALESCE(NEW.next_expiry, '9999-12-31')
      AND EXISTS (
        SELECT 1 FROM payments_ledgerentry
        WHERE wallet_id = NEW.user_id
          AND expires_at > STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW')
          AND expires_at < COALESCE(NEW.next_expiry, '9999-12-31')
      );
END

-- statement
CREATE TRIGGER payments_wallet_no_delete BEFORE DELETE ON payments_wallet
BEGIN
    SELECT RAISE(ABORT, 'ledger_immutable');
END

-- statement
CREATE TRIGGER payments_seal_once BEFORE INSERT ON payments_ledgerseal
BEGIN
    -- The same seal again is dropped: whoever seals at the same time computes the same.
    SELECT RAISE(IGNORE)
    WHERE EXISTS (
        SELECT 1 FROM payments_ledgerseal
        WHERE wallet_id = NEW.wallet_id AND version = NEW.version AND digest = NEW.digest
    );

    SELECT RAISE(ABORT, 'ledger_immutable')
    WHERE EXISTS (SELECT 1 FROM payments_ledgerseal WHERE id = NEW.id)
       OR EXISTS (
            SELECT 1 FROM payments_ledgerseal
            WHERE wallet_id = NEW.wallet_id AND version = NEW.version
       );
END

-- statement
CREATE TRIGGER payments_seal_no_update BEFORE UPDATE ON payments_ledgerseal
BEGIN
    SELECT RAISE(ABORT, 'ledger_immutable');
END

-- statement
CREATE TRIGGER payments_seal_no_delete BEFORE DELETE ON payments_ledgerseal
BEGIN
    SELECT RAISE(ABORT, 'ledger_immutable');
END
