#include "sinks/plan.h"

#include <string.h>

#include "sinks/encoding.h"

/* The cell, or for an unchanged one what the old row says. */
static const struct cell *cell_of(const struct image *image, const struct plan_column *column)
{
    const struct cell *cell = &image->row->cells[column->index];

    if (cell->kind == CELL_UNCHANGED && image->older != NULL &&
        (column->identity || !image->older_key_only))
        return &image->older->cells[column->index];
    return cell;
}

static enum encode_outcome write_constant(struct slice constant, struct buf *out)
{
    buf_slice(out, constant);
    return constant.at != NULL ? ENCODE_DONE : ENCODE_UNFIT;
}

static enum encode_outcome write_unknown(struct encoding *e, const struct plan_column *column,
                                         struct buf *out)
{
    struct buf *names = &e->unavailable;

    buf_slice(out, column->unknown);
    if (column->listed.at != NULL) {
        buf_byte(names, names->len == 0 ? '[' : ',');
        buf_slice(names, column->listed);
        out->failed = out->failed || names->failed;
    }
    return column->unknown.at != NULL ? ENCODE_DONE : ENCODE_MALFORMED;
}

/* What a rule leaves of the text.  Without memory or a digest: never something else. */
static enum encode_outcome write_hidden(struct encoding *e, const struct plan_column *column,
                                        struct slice text, struct buf *out)
{
    struct slice hidden = encoding_hidden(e, &column->rule, text);

    if (e->hidden.failed)
        return ENCODE_UNHIDDEN;
    buf_slice(out, column->lead);
    return e->ops->value(e, column, hidden, out);
}

NOINLINE static enum encode_outcome write_column(struct encoding *e,
                                                 const struct plan_column *column,
                                                 const struct image *image, struct buf *out)
{
    const struct cell *cell = cell_of(image, column);

    if (column->rule.kind == COLUMN_MASK)
        return write_hidden(e, column, slice_text(""), out);
    if (image->key_only && !column->identity)
        return write_constant(column->absent, out);
    switch (cell->kind) {
    case CELL_NULL:
        buf_slice(out, column->null);
        return column->null.at != NULL ? ENCODE_DONE : ENCODE_NULL;
    case CELL_UNCHANGED:
        return write_unknown(e, column, out);
    case CELL_TEXT:
        break;
    }
    return write_hidden(e, column, cell->text, out);
}

/* Most are: told, and nothing to be done about it but to write it. */
static inline bool is_simple(const struct plan_column *column, const struct cell *cell,
                             const struct image *image)
{
    return cell->kind == CELL_TEXT && column->rule.kind == COLUMN_AS_IT_IS &&
           (!image->key_only || column->identity);
}

static inline void write_lead(struct buf *out, struct slice lead)
{
    if (lead.len == 1) /* the branch of a union */
        buf_byte(out, *lead.at);
    else
        buf_slice(out, lead);
}

/* The field that was first is left out: so must be the comma that begins the next. */
static void drop_comma(const struct encoding *e, struct buf *out, size_t start)
{
    if (!e->has_commas || out->failed || out->len == start || out->at[start] != ',')
        return;
    memmove(out->at + start, out->at + start + 1, out->len - start - 1);
    out->len--;
}

/* Debezium's null for a value that the schema has no form for, unless the column is NOT NULL.  What
 * ops->value() refuses has its lead in front of it, a constant only lacks where null does too. */
static bool write_debezium_null(const struct plan_column *column, struct buf *out)
{
    if (!column->semantic.debezium || column->null.at == NULL || out->failed)
        return false;
    out->len -= column->lead.len;
    buf_slice(out, column->null);
    return !out->failed;
}

/* Of a column that was not written as it should be; not inline, which would cost the loop
 * registers.  False: nor otherwise, see *out_fault. */
NOINLINE static bool settle(const struct plan_column *column, enum encode_outcome outcome,
                            struct buf *out, struct plan_fault *out_fault)
{
    if (outcome == ENCODE_UNFIT && write_debezium_null(column, out))
        return true;
    out_fault->column = column->index;
    out_fault->unfit = outcome == ENCODE_UNFIT;
    out_fault->null = outcome == ENCODE_NULL;
    out_fault->unhidden = outcome == ENCODE_UNHIDDEN;
    return false;
}

static bool write_columns(struct encoding *e, const struct plan_columns *columns,
                          const struct image *image, struct buf *out, struct plan_fault *out_fault)
{
    const struct plan_column *column = columns->at, *end = column + columns->count;
    const struct cell *cells = image->row->cells;
    size_t start = out->len;

    for (; column < end; column++) {
        const struct cell *cell = &cells[column->index];
        enum encode_outcome outcome;

        if (is_simple(column, cell, image)) {
            write_lead(out, column->lead);
            outcome = e->ops->value(e, column, cell->text, out);
        } else {
            outcome = write_column(e, column, image, out);
        }
        if ((outcome != ENCODE_DONE || out->failed) && !settle(column, outcome, out, out_fault))
            return false;
    }
    if (e->unavailable.len > 0)
        drop_comma(e, out, start);
    return true;
}

bool plan_write_key(const struct plan *p, struct encoding *encoding, const struct image *image,
                    struct buf *out, struct plan_fault *out_fault)
{
    buf_slice(out, p->key_head);
    if (!write_columns(encoding, &p->key, image, out, out_fault))
        return false;
    buf_slice(out, p->key_tail);
    return !out->failed;
}

bool plan_key_text(const struct plan *p, struct encoding *encoding, const struct image *image,
                   struct slice key, struct buf *out, struct slice *out_text,
                   struct plan_fault *out_fault)
{
    const struct key_frame *frame = &p->key_frame;

    if (encoding->text == NULL) {
        *out_text = slice_of(key.at + frame->head, key.len - frame->head - frame->tail);
        return true;
    }
    buf_slice(out, encoding->text->row_head);
    if (!write_columns(encoding->text, &p->key_text, image, out, out_fault))
        return false;
    buf_slice(out, encoding->text->row_tail);
    *out_text = buf_view(out);
    return !out->failed;
}

static bool write_image(const struct plan *p, struct encoding *e, const struct image *image,
                        struct buf *out, struct plan_fault *out_fault)
{
    if (image->row == NULL) {
        buf_slice(out, e->row_null);
        return true;
    }
    buf_slice(out, e->row_head);
    if (!write_columns(e, &p->row, image, out, out_fault))
        return false;
    buf_slice(out, e->row_tail);
    return true;
}

/* A flat row that there is none of: with a schema, it must be something. */
static bool write_no_row(const struct plan *p, const struct encoding *e, struct buf *out,
                         struct plan_fault *out_fault)
{
    for (uint16_t i = 0; e->has_schemas && i < p->row.count; i++) {
        const struct plan_column *column = &p->row.at[i];

        if (write_constant(column->absent, out) != ENCODE_DONE) {
            *out_fault = (struct plan_fault){.column = column->index, .unfit = true};
            return false;
        }
    }
    return true;
}

static bool write_flat(const struct plan *p, struct encoding *e, const struct image *image,
                       struct buf *out, struct plan_fault *out_fault)
{
    if (image->row == NULL)
        return write_no_row(p, e, out, out_fault);
    return write_columns(e, &p->row, image, out, out_fault);
}

bool plan_write_change(const struct plan *p, struct encoding *encoding, const struct image *before,
                       const struct image *after, struct buf *out, struct plan_fault *out_fault)
{
    buf_slice(out, p->value_head);
    if (encoding->flat != NULL)
        return write_flat(p, encoding, after->row != NULL ? after : before, out, out_fault);
    if (!write_image(p, encoding, before, out, out_fault))
        return false;
    buf_slice(out, encoding->between);
    return write_image(p, encoding, after, out, out_fault);
}

/* Without its comma where the row has written nothing: no value of JSON ends in a brace that
 * opens. */
static void write_told_lead(const struct encoding *e, struct slice lead, struct buf *out)
{
    bool first = e->has_commas && out->len > 0 && out->at[out->len - 1] == '{';

    if (first && lead.len > 0 && lead.at[0] == ',')
        lead = slice_of(lead.at + 1, lead.len - 1);
    buf_slice(out, lead);
}

void plan_write_told(const struct plan *p, struct encoding *encoding, const struct event *event,
                     char op, struct buf *out)
{
    const struct flat_subject subject = {p->schema, p->table, event, op, encoding->transaction};

    for (size_t i = 0; i < p->behind_count; i++) {
        struct told told = flat_tell(encoding->flat, p->behind[i].field, &subject);

        write_told_lead(encoding, p->behind[i].lead, out);
        encoding->ops->told_value(&told, out);
    }
    write_told_lead(encoding, p->behind_tail, out);
}
