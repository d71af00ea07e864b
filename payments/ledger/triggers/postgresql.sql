-- The ledger's triggers for PostgreSQL, installed after migrate (install.py). What can be seen in
-- the row alone is checked by constraints (models/constraints.py); here is what needs other rows.
--
-- The BEFORE INSERT trigger moves the wallet, which takes its row lock, and fills the computed
-- columns from it; the INSERT's own RETURNING hands them back. Then it looks at other rows, and
-- after it PostgreSQL checks the constraints: whatever refuses the entry moves the wallet back.
-- Should the row go missing after that (ON CONFLICT DO NOTHING), the wallet's own trigger refuses
-- the commit. Time is clock_timestamp(): a long transaction must not date its entries before those
-- that were committed while it waited.
--
-- Refusals are check violations whose constraint name says what was violated. While this is
-- installed, the search path is our schema and then pg_temp, and stays that of the functions: else
-- somebody's temporary table of the same name would be taken for ours. Triggers are worded as
-- PostgreSQL words them itself (pg_get_triggerdef), so that the check can compare them.

-- statement
CREATE OR REPLACE FUNCTION payments_entry_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $body$
DECLARE
    due TIMESTAMPTZ;
BEGIN
    UPDATE payments_wallet w
    SET balance = w.balance + NEW.amount, held = w.held + NEW.held_change,
        version = w.version + 1, updated_at = clock_timestamp(),
        -- A new lot, or the end of a hold that may have kept tokens beyond their date.
        next_expiry = CASE WHEN NEW.hold_id IS NOT NULL
            THEN LEAST(w.next_expiry, w.overdue_since)
            ELSE LEAST(w.next_expiry, NEW.expires_at) END
    WHERE w.user_id = NEW.wallet_id
    RETURNING w.version, w.epoch, w.balance, w.held, w.next_expiry
    INTO NEW.version, NEW.epoch, NEW.balance_after, NEW.held_after, due;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger_no_wallet'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_no_wallet';
    END IF;
    NEW.created_at := clock_timestamp();  -- not before the lock was had, however long that took

    -- Tokens past their date must not be let out, nor counted as there: this comes before the
    -- funds, which a constraint checks. No IF below has a sub-select beside another condition:
    -- PL/pgSQL would run it as a query for every kind.
    IF due <= NEW.created_at
        AND (NEW.kind IN ('hold', 'spend', 'clawback')
            OR (NEW.kind = 'adjustment' AND NEW.amount < 0))
    THEN
        RAISE EXCEPTION 'ledger_expiry_due'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_expiry_due';
    END IF;

    IF NEW.hold_id IS NOT NULL THEN
        IF EXISTS (SELECT 1 FROM payments_ledgerentry WHERE hold_id = NEW.hold_id) THEN
            RAISE EXCEPTION 'ledger_hold_resolved'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold_resolved';
        END IF;
        IF NOT EXISTS (
            SELECT 1 FROM payments_ledgerentry h
            WHERE h.id = NEW.hold_id AND h.wallet_id = NEW.wallet_id
                AND h.kind = 'hold' AND h.held_change = -NEW.held_change
        ) THEN
            RAISE EXCEPTION 'ledger_hold'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_hold';
        END IF;
    END IF;

    IF NEW.kind = 'expiry' THEN
        IF NOT EXISTS (
            SELECT 1 FROM payments_ledgerentry g
            WHERE g.id = NEW.lot_id AND g.wallet_id = NEW.wallet_id AND g.expires_at <= NEW.created_at
                AND g.amount + NEW.amount + COALESCE(
                    (SELECT SUM(x.amount) FROM payments_ledgerentry x WHERE x.lot_id = g.id), 0
                ) >= 0
        ) THEN
            RAISE EXCEPTION 'ledger_lot'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_lot';
        END IF;
    END IF;

    IF NEW.reverses_id IS NOT NULL THEN
        IF NOT EXISTS (
            SELECT 1 FROM payments_ledgerentry r
            WHERE r.id = NEW.reverses_id AND r.wallet_id = NEW.wallet_id
                AND r.kind IN ('spend', 'capture') AND r.amount = -NEW.amount
        ) THEN
            RAISE EXCEPTION 'ledger_reversal'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_reversal';
        END IF;
    END IF;

    RETURN NEW;
END
$body$

-- statement
CREATE OR REPLACE FUNCTION payments_immutable() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $body$
BEGIN
    RAISE EXCEPTION 'ledger_immutable'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_immutable';
END
$body$

-- statement
CREATE OR REPLACE FUNCTION payments_wallet_opens() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $body$
BEGIN
    IF NEW.balance <> 0 OR NEW.held <> 0 OR NEW.version <> 0 OR NEW.epoch <> 1
        OR NEW.next_expiry IS NOT NULL OR NEW.overdue_since IS NOT NULL
    THEN
        RAISE EXCEPTION 'ledger_wallet_opens_empty'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_wallet_opens_empty';
    END IF;
    RETURN NEW;
END
$body$

-- statement
CREATE OR REPLACE FUNCTION payments_wallet_moves() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $body$
BEGIN
    IF NEW.user_id <> OLD.user_id OR NEW.epoch NOT IN (OLD.epoch, OLD.epoch + 1) THEN
        RAISE EXCEPTION 'ledger_wallet_guard'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_wallet_guard';
    END IF;

    IF (NEW.balance, NEW.held, NEW.version) IS DISTINCT FROM (OLD.balance, OLD.held, OLD.version)
    THEN
        IF NOT EXISTS (
            SELECT 1 FROM payments_ledgerentry
            WHERE wallet_id = NEW.user_id AND version = NEW.version
                AND NEW.version = OLD.version + 1 AND NEW.epoch = OLD.epoch
                AND balance_after = NEW.balance AND held_after = NEW.held
        ) THEN
            RAISE EXCEPTION 'ledger_wallet_guard'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_wallet_guard';
        END IF;
    END IF;
    RETURN NULL;
END
$body$

-- statement
-- Settlement moves it on, but never past the date of a lot that is still to come.
CREATE OR REPLACE FUNCTION payments_wallet_next_expiry() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $body$
BEGIN
    IF EXISTS (
        SELECT 1 FROM payments_ledgerentry
        WHERE wallet_id = NEW.user_id AND expires_at > clock_timestamp()
            AND expires_at < COALESCE(NEW.next_expiry, 'infinity')
    ) THEN
        RAISE EXCEPTION 'ledger_next_expiry'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_next_expiry';
    END IF;
    RETURN NULL;
END
$body$

-- statement
CREATE TRIGGER payments_entry_guard BEFORE INSERT ON payments_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION payments_entry_guard()

-- statement
CREATE TRIGGER payments_entry_no_update BEFORE DELETE OR UPDATE ON payments_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION payments_immutable()

-- statement
CREATE TRIGGER payments_entry_no_truncate BEFORE TRUNCATE ON payments_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION payments_immutable()

-- statement
CREATE TRIGGER payments_wallet_opens BEFORE INSERT ON payments_wallet
    FOR EACH ROW EXECUTE FUNCTION payments_wallet_opens()

-- statement
-- What the trigger of entries moves is looked at when the transaction ends, for the entry comes
-- after it; what anybody else moves, at once.
CREATE TRIGGER payments_wallet_moves AFTER UPDATE ON payments_wallet
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION payments_wallet_moves()

-- statement
CREATE CONSTRAINT TRIGGER payments_wallet_moved AFTER UPDATE ON payments_wallet
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (pg_trigger_depth() > 0) EXECUTE FUNCTION payments_wallet_moves()

-- statement
CREATE TRIGGER payments_wallet_next_expiry AFTER UPDATE ON payments_wallet FOR EACH ROW
    WHEN (old.next_expiry < COALESCE(new.next_expiry, 'infinity'::timestamp with time zone))
    EXECUTE FUNCTION payments_wallet_next_expiry()

-- statement
CREATE TRIGGER payments_wallet_no_delete BEFORE DELETE ON payments_wallet
    FOR EACH ROW EXECUTE FUNCTION payments_immutable()

-- statement
CREATE TRIGGER payments_wallet_no_truncate BEFORE TRUNCATE ON payments_wallet
    FOR EACH STATEMENT EXECUTE FUNCTION payments_immutable()

-- statement
CREATE TRIGGER payments_seal_no_update BEFORE DELETE OR UPDATE ON payments_ledgerseal
    FOR EACH ROW EXECUTE FUNCTION payments_immutable()

-- statement
CREATE TRIGGER payments_seal_no_truncate BEFORE TRUNCATE ON payments_ledgerseal
    FOR EACH STATEMENT EXECUTE FUNCTION payments_immutable()
