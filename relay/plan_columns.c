/* plan_columns - what is written of each column, and what is lost on the way. */
#include "relay/plan_report.h"

#include <stdlib.h>

#include "millrace/buf.h"
#include "millrace/mem.h"

#include "sinks/connect_schema.h"
#include "sinks/name_adjust.h"
#include "sinks/plan.h"
#include "sinks/semantic.h"

#define NAMES_BYTES ((size_t)1 << 16)

/* One bit of oddities() each. */
enum oddity {
    ODD_AS_TEXT,
    ODD_VARIABLE_SCALE,
    ODD_DOUBLE,
    ODD_INTERVAL,
    ODD_MILLISECONDS,
    ODD_NANOSECONDS,
    ODD_RANGE,
    ODD_NAN,
    ODD_ARRAY,
    ODD_BITS,
    ODD_UNAVAILABLE,
    ODD_RENAMED,
    ODDITIES,
};

static const char *const oddity_texts[ODDITIES] = {
    [ODD_AS_TEXT] = "of a type that Debezium does not know, sent as PostgreSQL's text",
    [ODD_VARIABLE_SCALE] = "numeric without a precision: each value is a struct of scale and bytes",
    [ODD_DOUBLE] = "types.decimal double: digits beyond the 15th are lost",
    [ODD_INTERVAL] = "types.interval numeric: a month counts as 30.4375 days, so months and days "
                     "are lost; string keeps them",
    [ODD_MILLISECONDS] = "types.time connect: microseconds are lost",
    [ODD_NANOSECONDS] = "types.time nanoseconds: only 1677 to 2262 fits",
    [ODD_RANGE] = "types.time nanoseconds: only 1677 to 2262 fits, all else has no form in the "
                  "schema and stops the relay; isostring carries it",
    [ODD_NAN] = "numeric: a NaN or an infinity has no form in the schema and stops the relay; "
                "types.decimal string carries it",
    [ODD_ARRAY] = "an array: a value of several dimensions has no form in the schema and stops the "
                  "relay",
    [ODD_BITS] = "bit varying(1): an empty value has no form in the schema and stops the relay",
    [ODD_UNAVAILABLE] = "large values that an update does not touch are not sent by PostgreSQL: "
                        "the placeholder stands for them; ALTER TABLE ... REPLICA IDENTITY FULL "
                        "tells them",
    [ODD_RENAMED] = "the name is adjusted in schemas (names.adjust)",
};

static struct slice text_of(const char *text)
{
    return text == NULL ? (struct slice){NULL, 0} : slice_text(text);
}

static json_t *string_of(struct slice text)
{
    return text.at == NULL ? json_null() : json_stringn((const char *)text.at, text.len);
}

/* Down to the elements. */
static const struct semantic *innermost(const struct semantic *s)
{
    while (s->value == VALUE_ARRAY && s->element != NULL)
        s = s->element;
    return s;
}

/* Of the type below domains. */
static int32_t typmod_of(const struct column *column)
{
    int32_t typmod = column->typmod;

    for (const struct type *t = column->type; t != NULL && t->kind == TYPE_DOMAIN; t = t->base)
        typmod = t->base_typmod;
    return typmod;
}

/* Does a value that the schema has no form for stop the relay? */
static bool stops(const struct plan_column *planned)
{
    const struct semantic *s = &planned->semantic;
    const struct connect_schema *schema = planned->schema;
    bool has_null = s->value == VALUE_ARRAY || (schema != NULL && schema->optional);

    return s->strict && !(s->debezium && has_null);
}

static unsigned decimal_oddities(const struct semantic *s, bool stops)
{
    unsigned found = 0;

    if (s->value == VALUE_ANY_DECIMAL)
        found |= 1U << ODD_VARIABLE_SCALE;
    if ((s->value == VALUE_ANY_DECIMAL || s->value == VALUE_DECIMAL) && stops)
        found |= 1U << ODD_NAN;
    if (s->value == VALUE_DECIMAL_DOUBLE || s->value == VALUE_MONEY_DOUBLE)
        found |= 1U << ODD_DOUBLE;
    return found;
}

static unsigned time_oddities(const struct semantic *s, const struct column *column,
                              enum time_mode mode, bool stops)
{
    int32_t digits = typmod_of(column);
    bool fits = digits >= 0 && digits <= 3;

    if (s->value == VALUE_INTERVAL)
        return 1U << ODD_INTERVAL;
    if ((s->value == VALUE_TIME_MS || s->value == VALUE_TIMESTAMP_MS) && mode == TIME_CONNECT &&
        !fits)
        return 1U << ODD_MILLISECONDS;
    if (s->value != VALUE_TIMESTAMP_NS)
        return 0;
    return 1U << (stops ? ODD_RANGE : ODD_NANOSECONDS);
}

static bool is_renamed(const struct planning *p, struct slice name)
{
    const struct recorder_options *records = &p->options->records;
    enum name_adjustment how = records->names;
    struct buf adjusted;
    bool renamed;

    if (how == NAMES_AS_THEY_ARE && records->encoding == ENCODING_AVRO)
        how = NAMES_AVRO;
    buf_init(&adjusted, NAMES_BYTES);
    name_adjust(name, how, false, &adjusted);
    renamed = !slice_equal(buf_view(&adjusted), name);
    buf_done(&adjusted);
    return renamed;
}

static unsigned oddities(const struct planning *p, const struct plan_column *planned,
                         const struct column *column, const struct described_table *table,
                         const struct described_column *described)
{
    const struct recorder_options *records = &p->options->records;
    const struct semantic *s = innermost(&planned->semantic);
    bool unfit_stops = stops(planned);
    unsigned found = decimal_oddities(s, unfit_stops) |
                     time_oddities(s, column, records->types.time, unfit_stops);

    if (semantic_is_unknown_to_debezium(column))
        found |= 1U << ODD_AS_TEXT;
    if (unfit_stops && planned->semantic.value == VALUE_ARRAY)
        found |= 1U << ODD_ARRAY;
    if (unfit_stops && s->value == VALUE_BIT && described != NULL &&
        slice_is(described->type, "bit varying(1)"))
        found |= 1U << ODD_BITS;
    if (described != NULL && described->large && !column->identity &&
        table->relation->identity != IDENTITY_FULL)
        found |= 1U << ODD_UNAVAILABLE;
    if (is_renamed(p, column->name))
        found |= 1U << ODD_RENAMED;
    return found;
}

static const struct described_column *described_as(const struct described_table *table,
                                                   struct slice name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (slice_equal(table->columns[i].name, name))
            return &table->columns[i];
    return NULL;
}

static json_t *written_as(const struct semantic *s)
{
    if ((s->value == VALUE_ARRAY || s->value == VALUE_VECTOR) && s->element != NULL)
        return json_sprintf("array of %s", connect_base_name(s->element->base));
    return json_string(connect_base_name(s->base));
}

static const char *semantic_name(const struct semantic *s)
{
    return s->name == NULL && s->value == VALUE_ARRAY ? innermost(s)->name : s->name;
}

static json_t *rule_text(const struct column_rule *rule)
{
    switch (rule->kind) {
    case COLUMN_AS_IT_IS:
        break;
    case COLUMN_TRUNCATE:
        return json_sprintf("cut to %lu characters", (unsigned long)rule->length);
    case COLUMN_MASK:
        return json_sprintf("%lu asterisks", (unsigned long)rule->length);
    case COLUMN_HASH:
        return json_string("a salted digest");
    }
    return json_null();
}

static void add_column(json_t *list, const struct plan_column *planned, const struct column *column,
                       const struct described_column *described)
{
    json_t *row = json_object();

    (void)json_object_set_new(row, "column", string_of(column->name));
    (void)json_object_set_new(row, "type",
                              string_of(described != NULL      ? described->type
                                        : column->type != NULL ? column->type->name
                                                               : slice_text("unknown")));
    (void)json_object_set_new(row, "written", written_as(&planned->semantic));
    (void)json_object_set_new(row, "semantic",
                              string_of(text_of(semantic_name(&planned->semantic))));
    (void)json_object_set_new(row, "null", json_boolean(!column->not_null));
    (void)json_object_set_new(row, "rule", rule_text(&planned->rule));
    (void)json_array_append_new(list, row);
}

static void warn_of_rule(const struct plan_column *planned, const struct column *column,
                         json_t *out)
{
    json_t *rule = rule_text(&planned->rule);

    if (json_is_string(rule))
        plan_warn(out, "%.*s is hidden: %s", SLICE_ARGS(column->name), json_string_value(rule));
    json_decref(rule);
}

/* One warning for each oddity, with the columns that have it. */
static void warn_of(const unsigned *found, const struct relation *relation, json_t *out)
{
    for (int odd = 0; odd < ODDITIES; odd++) {
        struct buf names;

        buf_init(&names, NAMES_BYTES);
        for (uint16_t i = 0; i < relation->column_count; i++)
            if ((found[i] >> odd & 1U) != 0)
                buf_printf(&names, "%s%.*s", names.len > 0 ? ", " : "",
                           SLICE_ARGS(relation->columns[i].name));
        if (names.len > 0)
            plan_warn(out, "%.*s: %s", SLICE_ARGS(buf_view(&names)), oddity_texts[odd]);
        buf_done(&names);
    }
}

static bool is_in_row(const struct plan *plan, uint16_t index)
{
    for (uint16_t i = 0; i < plan->row.count; i++)
        if (plan->row.at[i].index == index)
            return true;
    return false;
}

/* NULL: it is written. */
static const char *why_left_out(const struct plan *plan, const struct relation *relation,
                                const struct described_column *described)
{
    for (uint16_t i = 0; i < relation->column_count; i++) {
        const struct column *column = &relation->columns[i];

        if (!slice_equal(column->name, described->name))
            continue;
        if (is_in_row(plan, i))
            return NULL;
        return column->hidden ? "columns.include, columns.exclude"
                              : "of a type that Debezium leaves out (compatibility debezium-3)";
    }
    return described->generated ? "generated: PostgreSQL does not stream it"
                                : "not in the publication's column list";
}

static void list_left_out(const struct described_table *table, const struct plan *plan, json_t *out)
{
    json_t *list = json_array();

    for (size_t i = 0; i < table->column_count; i++) {
        const char *why = why_left_out(plan, table->relation, &table->columns[i]);
        json_t *row;

        if (why == NULL)
            continue;
        row = json_object();
        (void)json_object_set_new(row, "column", string_of(table->columns[i].name));
        (void)json_object_set_new(row, "why", json_string(why));
        (void)json_array_append_new(list, row);
        plan_warn(out, "%.*s is left out: %s", SLICE_ARGS(table->columns[i].name), why);
    }
    (void)json_object_set_new(out, "left_out", list);
}

void plan_report_columns(const struct planning *p, const struct described_table *table,
                         const struct plan *plan, json_t *out)
{
    const struct relation *relation = table->relation;
    unsigned *found = mem_zero((size_t)relation->column_count + 1, sizeof *found);
    json_t *list = json_array();

    for (uint16_t i = 0; i < plan->row.count; i++) {
        const struct plan_column *planned = &plan->row.at[i];
        const struct column *column = &relation->columns[planned->index];
        const struct described_column *described = described_as(table, column->name);

        add_column(list, planned, column, described);
        warn_of_rule(planned, column, out);
        found[planned->index] = oddities(p, planned, column, table, described);
    }
    (void)json_object_set_new(out, "columns", list);
    warn_of(found, relation, out);
    free(found);
    list_left_out(table, plan, out);
}
