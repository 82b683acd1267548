#include "sinks/connect_schema.h"

#include <stdio.h>
#include <string.h>

#include "sinks/connect_literal.h"
#include "sinks/json_write.h"

#define FIELDS(array) .fields = (array), .field_count = ARRAY_LEN(array)

static const struct connect_schema string_schema = {.base = CONNECT_STRING};
static const struct connect_schema int32_schema = {.base = CONNECT_INT32};
static const struct connect_schema int64_schema = {.base = CONNECT_INT64};
static const struct connect_schema float64_schema = {.base = CONNECT_FLOAT64};
static const struct connect_schema bytes_schema = {.base = CONNECT_BYTES};
const struct connect_schema connect_optional_string = {.base = CONNECT_STRING, .optional = true};
static const struct connect_schema opt_int32_schema = {.base = CONNECT_INT32, .optional = true};
const struct connect_schema connect_optional_int64 = {.base = CONNECT_INT64, .optional = true};
static const struct connect_schema opt_bytes_schema = {.base = CONNECT_BYTES, .optional = true};

static const struct connect_parameter snapshot_parameters[] = {
    {"allowed",
     TEXT("true,first,first_in_data_collection,last_in_data_collection,last,false,incremental")}};
#define SNAPSHOT                                                                                   \
    .base = CONNECT_STRING, .optional = true, .version = 1, .name = TEXT("io.debezium.data.Enum"), \
    .parameters = snapshot_parameters, .parameter_count = 1
static const struct connect_schema snapshot_schema = {SNAPSHOT, .default_json = TEXT("\"false\"")};
const struct connect_schema connect_optional_snapshot = {SNAPSHOT};

static const struct connect_field source_fields[] = {FIELD("version", &string_schema),
                                                     FIELD("connector", &string_schema),
                                                     FIELD("name", &string_schema),
                                                     FIELD("ts_ms", &int64_schema),
                                                     FIELD("snapshot", &snapshot_schema),
                                                     FIELD("db", &string_schema),
                                                     FIELD("sequence", &connect_optional_string),
                                                     FIELD("ts_us", &connect_optional_int64),
                                                     FIELD("ts_ns", &connect_optional_int64),
                                                     FIELD("schema", &string_schema),
                                                     FIELD("table", &string_schema),
                                                     FIELD("txId", &connect_optional_int64),
                                                     FIELD("lsn", &connect_optional_int64),
                                                     FIELD("xmin", &connect_optional_int64),
                                                     FIELD("origin", &connect_optional_string),
                                                     FIELD("origin_lsn", &connect_optional_int64)};
static const struct connect_schema source_schema = {
    .base = CONNECT_STRUCT,
    .version = 1,
    .name = TEXT("io.debezium.connector.postgresql.Source"),
    FIELDS(source_fields)};

static const struct connect_field block_fields[] = {FIELD("id", &string_schema),
                                                    FIELD("total_order", &int64_schema),
                                                    FIELD("data_collection_order", &int64_schema)};
static const struct connect_schema block_schema = {.base = CONNECT_STRUCT,
                                                   .optional = true,
                                                   .version = 1,
                                                   .name = TEXT("event.block"),
                                                   FIELDS(block_fields)};

static const struct connect_field message_key_fields[] = {
    FIELD("prefix", &connect_optional_string)};
const struct connect_schema connect_message_key = {
    .base = CONNECT_STRUCT,
    .version = 1,
    .name = TEXT("io.debezium.connector.postgresql.MessageKey"),
    FIELDS(message_key_fields)};

#define MESSAGE(array)                                                                             \
    {                                                                                              \
        .base = CONNECT_STRUCT, .version = 1,                                                      \
        .name = TEXT("io.debezium.connector.postgresql.Message"), FIELDS(array)                    \
    }
#define MESSAGE_VALUE_FIELDS(message)                                                              \
    {                                                                                              \
        FIELD("op", &string_schema), FIELD("ts_ms", &connect_optional_int64),                      \
            FIELD("source", &source_schema), FIELD("transaction", &block_schema),                  \
            FIELD("message", &(message))                                                           \
    }
#define MESSAGE_VALUE(array)                                                                       \
    {                                                                                              \
        .base = CONNECT_STRUCT, .version = 1,                                                      \
        .name = TEXT("io.debezium.connector.postgresql.MessageValue"), FIELDS(array)               \
    }

static const struct connect_field bytes_message_fields[] = {
    FIELD("prefix", &connect_optional_string), FIELD("content", &opt_bytes_schema)};
static const struct connect_field text_message_fields[] = {
    FIELD("prefix", &connect_optional_string), FIELD("content", &connect_optional_string)};
static const struct connect_schema bytes_message = MESSAGE(bytes_message_fields);
static const struct connect_schema text_message = MESSAGE(text_message_fields);
static const struct connect_field bytes_value_fields[] = MESSAGE_VALUE_FIELDS(bytes_message);
static const struct connect_field text_value_fields[] = MESSAGE_VALUE_FIELDS(text_message);
static const struct connect_schema bytes_message_value = MESSAGE_VALUE(bytes_value_fields);
static const struct connect_schema text_message_value = MESSAGE_VALUE(text_value_fields);

const struct connect_schema *connect_message_value(bool text)
{
    return text ? &text_message_value : &bytes_message_value;
}

/* The structs that values of a column may be, by the name that the semantic gives them. */
static const struct connect_field decimal_fields[] = {FIELD("scale", &int32_schema),
                                                      FIELD("value", &bytes_schema)};
static const struct connect_field point_fields[] = {
    FIELD("x", &float64_schema), FIELD("y", &float64_schema), FIELD("wkb", &opt_bytes_schema),
    FIELD("srid", &opt_int32_schema)};
static const struct connect_schema extensions_schema = {
    .base = CONNECT_MAP, .optional = true, .items = &string_schema};
static const struct connect_field geometry_fields[] = {FIELD("wkb", &bytes_schema),
                                                       FIELD("srid", &opt_int32_schema),
                                                       FIELD("extensions", &extensions_schema)};
static const struct connect_field geography_fields[] = {FIELD("wkb", &bytes_schema),
                                                        FIELD("srid", &opt_int32_schema)};
static const struct connect_field line_fields[] = {
    FIELD("a", &float64_schema), FIELD("b", &float64_schema), FIELD("c", &float64_schema)};
static const struct connect_schema center_schema = {.base = CONNECT_STRUCT,
                                                    .version = 1,
                                                    .name = TEXT("io.debezium.data.geometry.Point"),
                                                    .doc = TEXT("Geometry (POINT)"),
                                                    FIELDS(point_fields)};
static const struct connect_field circle_fields[] = {FIELD("center", &center_schema),
                                                     FIELD("radius", &float64_schema)};

static const struct connect_schema struct_schemas[] = {
    {.base = CONNECT_STRUCT,
     .version = 1,
     .name = TEXT("io.debezium.data.VariableScaleDecimal"),
     .doc = TEXT("Variable scaled decimal"),
     FIELDS(decimal_fields)},
    {.base = CONNECT_STRUCT,
     .version = 1,
     .name = TEXT("io.debezium.data.geometry.Point"),
     .doc = TEXT("Geometry (POINT)"),
     FIELDS(point_fields)},
    {.base = CONNECT_STRUCT,
     .version = 2,
     .name = TEXT("io.debezium.data.geometry.Geometry"),
     .doc = TEXT("Geometry"),
     FIELDS(geometry_fields)},
    {.base = CONNECT_STRUCT,
     .version = 1,
     .name = TEXT("io.debezium.data.geometry.Geography"),
     .doc = TEXT("Geography"),
     FIELDS(geography_fields)},
    {.base = CONNECT_STRUCT,
     .version = 1,
     .name = TEXT("io.debezium.data.geometry.Line"),
     .doc = TEXT("Geometry (LINE)"),
     FIELDS(line_fields)},
    {.base = CONNECT_STRUCT,
     .version = 1,
     .name = TEXT("io.debezium.data.geometry.Circle"),
     .doc = TEXT("Geometry (CIRCLE)"),
     FIELDS(circle_fields)},
};

const char *connect_base_name(enum connect_base base)
{
    switch (base) {
    case CONNECT_BOOLEAN:
        return "boolean";
    case CONNECT_INT16:
        return "int16";
    case CONNECT_INT32:
        return "int32";
    case CONNECT_INT64:
        return "int64";
    case CONNECT_FLOAT32:
        return "float";
    case CONNECT_FLOAT64:
        return "double";
    case CONNECT_STRING:
        return "string";
    case CONNECT_BYTES:
        return "bytes";
    case CONNECT_ARRAY:
        return "array";
    case CONNECT_MAP:
        return "map";
    case CONNECT_STRUCT:
        break;
    }
    return "struct";
}

static struct connect_schema *keep(struct arena *arena, const struct connect_schema *from)
{
    struct connect_schema *to = arena_alloc(arena, sizeof *to);

    if (to != NULL)
        *to = *from;
    return to;
}

static bool keep_number(struct arena *arena, int32_t number, struct slice *out)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%ld", (long)number);

    return arena_copy(arena, slice_of(text, (size_t)len), out);
}

/* "sad,so, so,happy" */
static bool keep_labels(struct arena *arena, const struct type *type, struct slice *out)
{
    size_t len = type->label_count > 0 ? type->label_count - 1 : 0, at = 0;
    uint8_t *text;

    for (uint32_t i = 0; i < type->label_count; i++)
        len += type->labels[i].len;
    text = arena_alloc(arena, len);
    if (text == NULL)
        return false;
    for (uint32_t i = 0; i < type->label_count; i++) {
        if (i > 0)
            text[at++] = ',';
        memcpy(text + at, type->labels[i].at, type->labels[i].len);
        at += type->labels[i].len;
    }
    *out = slice_of(text, len);
    return true;
}

static bool add_parameters(struct connect_schema *schema, const struct semantic *s,
                           struct arena *arena)
{
    struct connect_parameter *parameters = arena_array(arena, 2, sizeof *parameters);
    bool fits = true;

    if (parameters == NULL)
        return false;
    if (s->labels != NULL) {
        parameters[0].name = "allowed";
        fits = keep_labels(arena, s->labels, &parameters[0].value);
        schema->parameter_count = 1;
    } else if (slice_is(schema->name, SEMANTIC_BITS)) {
        parameters[0].name = "length";
        fits = keep_number(arena, s->length, &parameters[0].value);
        schema->parameter_count = 1;
    } else if (slice_is(schema->name, SEMANTIC_DECIMAL)) {
        parameters[0].name = "scale";
        parameters[1].name = "connect.decimal.precision";
        fits = keep_number(arena, s->scale, &parameters[0].value) &&
               keep_number(arena, s->precision, &parameters[1].value);
        schema->parameter_count = s->precision > 0 ? 2 : 1; /* money has none */
    }
    schema->parameters = parameters;
    return fits;
}

static const struct connect_schema *struct_named(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(struct_schemas); i++)
        if (slice_equal(struct_schemas[i].name, name))
            return &struct_schemas[i];
    return NULL;
}

const struct connect_schema *connect_schema_of(const struct semantic *s, bool optional,
                                               struct slice default_json, struct arena *arena)
{
    struct connect_schema made = {.base = s->base};

    if (s->name != NULL) {
        made.name = slice_text(s->name);
        made.version = 1;
        if (s->base == CONNECT_STRUCT && struct_named(made.name) != NULL)
            made = *struct_named(made.name);
        if (!add_parameters(&made, s, arena))
            return NULL;
    }
    if (s->base == CONNECT_MAP)
        made.items = &connect_optional_string;
    if (s->base == CONNECT_ARRAY) { /* elements may be NULL, but for those of vectors */
        made.items =
            connect_schema_of(s->element, s->value != VALUE_VECTOR, (struct slice){NULL, 0}, arena);
        if (made.items == NULL)
            return NULL;
    }
    made.optional = optional;
    if (default_json.at != NULL && !arena_copy(arena, default_json, &made.default_json))
        return NULL;
    return keep(arena, &made);
}

const struct connect_schema *connect_schema_with(const struct connect_schema *schema,
                                                 const struct connect_parameter *parameter,
                                                 struct arena *arena)
{
    size_t count = schema->parameter_count;
    struct connect_parameter *parameters = arena_array(arena, count + 1, sizeof *parameters);
    struct connect_schema made = *schema;

    if (parameters == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        parameters[i] = schema->parameters[i];
    parameters[count].name = parameter->name;
    if (!arena_copy(arena, parameter->value, &parameters[count].value))
        return NULL;
    made.parameters = parameters;
    made.parameter_count = count + 1;
    return keep(arena, &made);
}

const struct connect_schema *connect_schema_struct(struct slice name,
                                                   const struct connect_field *fields,
                                                   size_t field_count, bool optional,
                                                   struct arena *arena)
{
    const struct connect_schema made = {.base = CONNECT_STRUCT,
                                        .optional = optional,
                                        .name = name,
                                        .fields = fields,
                                        .field_count = field_count};

    return keep(arena, &made);
}

const struct connect_schema *
connect_schema_envelope(struct slice name, const struct connect_schema *row, struct arena *arena)
{
    const struct connect_field fields[] = {
        FIELD("before", row),
        FIELD("after", row),
        FIELD("source", &source_schema),
        FIELD("transaction", &block_schema),
        FIELD("op", &string_schema),
        FIELD("ts_ms", &connect_optional_int64),
        FIELD("ts_us", &connect_optional_int64),
        FIELD("ts_ns", &connect_optional_int64),
    };
    struct connect_schema made = {
        .base = CONNECT_STRUCT, .version = 2, .name = name, .field_count = ARRAY_LEN(fields)};
    struct connect_field *kept = arena_array(arena, ARRAY_LEN(fields), sizeof *kept);

    if (kept == NULL)
        return NULL;
    memcpy(kept, fields, sizeof fields);
    made.fields = kept;
    return keep(arena, &made);
}

static void write_node(const struct connect_schema *schema, const struct slice *field,
                       struct buf *out);

static void write_inside(const struct connect_schema *schema, struct buf *out)
{
    if (schema->base == CONNECT_STRUCT) {
        JSON_CONSTANT(out, ",\"fields\":[");
        for (size_t i = 0; i < schema->field_count; i++) {
            if (i > 0)
                buf_byte(out, ',');
            write_node(schema->fields[i].schema, &schema->fields[i].name, out);
        }
        buf_byte(out, ']');
    } else if (schema->base == CONNECT_ARRAY) {
        JSON_CONSTANT(out, ",\"items\":");
        write_node(schema->items, NULL, out);
    } else if (schema->base == CONNECT_MAP) {
        JSON_CONSTANT(out, ",\"keys\":");
        write_node(&string_schema, NULL, out);
        JSON_CONSTANT(out, ",\"values\":");
        write_node(schema->items, NULL, out);
    }
}

static void write_text(const char *member, struct slice text, struct buf *out)
{
    if (text.at == NULL)
        return;
    buf_text(out, member);
    json_text(out, text);
}

static void write_parameters(const struct connect_schema *schema, struct buf *out)
{
    if (schema->parameter_count == 0)
        return;
    JSON_CONSTANT(out, ",\"parameters\":{");
    for (size_t i = 0; i < schema->parameter_count; i++) {
        if (i > 0)
            buf_byte(out, ',');
        json_text(out, slice_text(schema->parameters[i].name));
        buf_byte(out, ':');
        json_text(out, schema->parameters[i].value);
    }
    buf_byte(out, '}');
}

static void write_node(const struct connect_schema *schema, const struct slice *field,
                       struct buf *out)
{
    JSON_CONSTANT(out, "{\"type\":");
    json_text(out, slice_text(connect_base_name(schema->base)));
    write_inside(schema, out);
    buf_text(out, schema->optional ? ",\"optional\":true" : ",\"optional\":false");
    write_text(",\"name\":", schema->name, out);
    if (schema->version != 0) {
        JSON_CONSTANT(out, ",\"version\":");
        json_i64(out, schema->version);
    }
    write_text(",\"doc\":", schema->doc, out);
    write_parameters(schema, out);
    if (schema->default_json.at != NULL) {
        JSON_CONSTANT(out, ",\"default\":");
        buf_slice(out, schema->default_json);
    }
    if (field != NULL)
        write_text(",\"field\":", *field, out);
    buf_byte(out, '}');
}

void connect_schema_write_json(const struct connect_schema *schema, struct buf *out)
{
    write_node(schema, NULL, out);
}
