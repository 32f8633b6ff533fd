"""Views for tools of business intelligence: whole fen, days, no person's name; columns are only ever added."""

from alembic import op

revision = "0043a"
down_revision = "0043"
branch_labels = None
depends_on = None

CONTRACT = "l.account IN ('2203', '1125')"
INCOME = "l.account LIKE '6001.%'"
VIEWS: dict[str, str] = {
    "rpt_stream": """
        SELECT c.code AS stream, c.valid_from, CAST(c.version AS BIGINT) AS version, {name_en} AS name_en,
               {name_zh} AS name_zh, {group} AS stream_group
        FROM catalogue_entry c WHERE c.kind = 'stream'
    """,
    "rpt_payer": """
        SELECT p.id AS payer_id, CASE WHEN p.org_id IS NULL THEN 'person' ELSE 'organisation' END AS kind,
               o.legal_name AS organisation, o.legal_name_en AS organisation_en, o.country
        FROM party p LEFT JOIN organisation o ON o.id = p.org_id
    """,
    "rpt_line": """
        SELECT l.id AS line_id, l.order_id, d.party_id AS payer_id, l.stream, l.product, l.recognition AS method,
               l.agreed_on, l.period_start AS starts, l.period_end AS ends, l.quantity, l.list_amount AS list_fen,
               l.discount AS discount_fen, l.net AS net_fen, l.tax AS tax_fen, l.gross AS gross_fen
        FROM order_line l JOIN billing_order d ON d.id = l.order_id
    """,
    "rpt_invoice_line": """
        SELECT 'invoice' AS document, n.id AS document_line_id, i.number, i.id AS invoice_id, i.party_id AS payer_id,
               n.order_line_id AS line_id, l.stream, i.issued_on, i.due_on, i.currency, n.net AS net_fen,
               n.tax AS tax_fen, n.gross AS gross_fen
        FROM invoice_line n JOIN invoice i ON i.id = n.invoice_id JOIN order_line l ON l.id = n.order_line_id
        WHERE i.number IS NOT NULL AND i.state NOT IN ('void', 'draft')
        UNION ALL
        SELECT 'credit_note', n.id, c.number, c.invoice_id, i.party_id, n.order_line_id, l.stream, c.issued_on,
               i.due_on, i.currency, n.net, n.tax, n.gross
        FROM credit_note_line n JOIN credit_note c ON c.id = n.note_id JOIN invoice i ON i.id = c.invoice_id
        JOIN order_line l ON l.id = n.order_line_id
        WHERE c.state = 'issued'
    """,
    "rpt_receipt": """
        SELECT r.id AS receipt_id, r.party_id AS payer_id, r.received_on, r.way, r.currency, r.amount AS amount_fen,
               CAST(COALESCE((SELECT SUM(COALESCE(a.taken, a.amount)) FROM allocation a WHERE a.receipt_id = r.id), 0)
                    AS BIGINT) AS allocated_fen,
               CAST(COALESCE((SELECT SUM(f.amount) FROM refund f WHERE f.receipt_id = r.id AND f.state = 'succeeded'), 0)
                    AS BIGINT) AS refunded_fen
        FROM receipt r
    """,
    "rpt_recognition": f"""
        SELECT l.id AS journal_line_id, l.entry_id, e.posted_on, e.service_month, e.kind, l.order_line_id AS line_id,
               d.party_id AS payer_id, o.stream, -l.amount AS amount_fen
        FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id JOIN order_line o ON o.id = l.order_line_id
        JOIN billing_order d ON d.id = o.order_id
        WHERE {INCOME}
    """,
    "rpt_contract_balance": f"""
        SELECT b.line_id, b.payer_id, b.stream, b.invoiced_fen, b.credited_fen, b.recognised_fen,
               CASE WHEN b.balance > 0 THEN b.balance ELSE 0 END AS deferred_fen,
               CASE WHEN b.balance < 0 THEN -b.balance ELSE 0 END AS contract_asset_fen
        FROM (
            SELECT l.order_line_id AS line_id, d.party_id AS payer_id, o.stream,
                   CAST(SUM(CASE WHEN e.kind IN ('invoice', 'void') THEN -l.amount ELSE 0 END) AS BIGINT) AS invoiced_fen,
                   CAST(SUM(CASE WHEN e.kind = 'credit_note' THEN l.amount ELSE 0 END) AS BIGINT) AS credited_fen,
                   CAST(SUM(CASE WHEN {INCOME} THEN -l.amount ELSE 0 END) AS BIGINT) AS recognised_fen,
                   CAST(SUM(CASE WHEN {CONTRACT} THEN -l.amount ELSE 0 END) AS BIGINT) AS balance
            FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
            JOIN order_line o ON o.id = l.order_line_id JOIN billing_order d ON d.id = o.order_id
            WHERE {CONTRACT} OR {INCOME}
            GROUP BY l.order_line_id, d.party_id, o.stream
        ) b
    """,
    "rpt_receivable": """
        SELECT i.id AS invoice_id, i.number, i.party_id AS payer_id, i.issued_on, i.due_on, i.gross AS gross_fen,
               CAST(SUM(l.amount) AS BIGINT) AS owed_fen
        FROM journal_line l JOIN invoice i ON i.id = l.invoice_id
        WHERE l.account IN ('1122', '1129')
        GROUP BY i.id, i.number, i.party_id, i.issued_on, i.due_on, i.gross
        HAVING SUM(l.amount) <> 0
    """,
    "rpt_term": """
        SELECT s.id AS term_id, s.order_line_id AS line_id, d.party_id AS payer_id, o.stream,
               o.recognition AS method, s.starts, s.ends, s.cut_on, s.amount AS net_fen
        FROM plan_segment s JOIN order_line o ON o.id = s.order_line_id JOIN billing_order d ON d.id = o.order_id
    """,
    "rpt_target": """
        SELECT c.code AS target, c.valid_from, CAST(c.version AS BIGINT) AS version, {measure} AS measure,
               {scope} AS scope, CAST({year} AS BIGINT) AS year, CAST({amount} AS BIGINT) AS amount, {basis} AS basis
        FROM catalogue_entry c WHERE c.kind = 'target'
    """,
}
PATHS = {
    "name_en": ("name", "en"), "name_zh": ("name", "zh"), "group": ("group",), "measure": ("measure",),
    "scope": ("scope",), "year": ("year",), "amount": ("amount",), "basis": ("basis",),
}  # fmt: skip


def _read(path: tuple[str, ...], *, lite: bool) -> str:
    """Return how a value within a row of the catalogue is read."""
    if lite:
        return f"json_extract(c.body, '$.{'.'.join(path)}')"
    inner = "".join(f"->'{key}'" for key in path[:-1])
    return f"(c.body{inner}->>'{path[-1]}')"


def upgrade() -> None:
    lite = op.get_bind().dialect.name == "sqlite"
    read = {name: _read(path, lite=lite) for name, path in PATHS.items()}
    for name, said in VIEWS.items():
        text = said
        for key, value in read.items():
            text = text.replace("{" + key + "}", value)
        # Said to the driver as it stands: the percent sign of LIKE and the colons of no parameter.
        op.get_bind().exec_driver_sql(f"CREATE VIEW {name} AS {text}".replace("%", "%" if lite else "%%"))


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
