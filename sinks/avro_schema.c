#include "sinks/avro_schema.h"

#include "sinks/avro_json.h"
#include "sinks/json_write.h"

#define NAMES_MAX 32 /* of records in one schema: four of an envelope, six that values are */

struct avro_writing {
    struct buf *out;
    enum avro_types types;
    struct slice names[NAMES_MAX];
    size_t name_count;
};

static void write_schema(struct avro_writing *w, const struct connect_schema *schema,
                         struct slice space);

/* "a.b.C" is C of a.b */
static struct slice space_of(struct slice name)
{
    size_t len = name.len;

    while (len > 0 && name.at[len - 1] != '.')
        len--;
    return slice_of(name.at, len == 0 ? 0 : len - 1);
}

static struct slice last_of(struct slice name)
{
    size_t len = space_of(name).len;

    return len == 0 ? name : slice_of(name.at + len + 1, name.len - len - 1);
}

static const char *primitive_name(enum connect_base base)
{
    switch (base) {
    case CONNECT_BOOLEAN:
        return "\"boolean\"";
    case CONNECT_INT16:
    case CONNECT_INT32:
        return "\"int\"";
    case CONNECT_INT64:
        return "\"long\"";
    case CONNECT_FLOAT32:
        return "\"float\"";
    case CONNECT_FLOAT64:
        return "\"double\"";
    case CONNECT_BYTES:
        return "\"bytes\"";
    case CONNECT_STRING:
    case CONNECT_ARRAY:
    case CONNECT_MAP:
    case CONNECT_STRUCT:
        break;
    }
    return "\"string\"";
}

static void write_text(struct buf *out, const char *member, struct slice text)
{
    if (text.at == NULL)
        return;
    buf_text(out, member);
    json_text(out, text);
}

static struct slice parameter(const struct connect_schema *schema, const char *name,
                              const char *otherwise)
{
    for (size_t i = 0; i < schema->parameter_count; i++)
        if (strcmp(schema->parameters[i].name, name) == 0)
            return schema->parameters[i].value;
    return slice_text(otherwise);
}

static bool is_named(const struct connect_schema *schema, const char *name)
{
    return schema->name.at != NULL && slice_is(schema->name, name);
}

static const char *logical_type(const struct avro_writing *w, const struct connect_schema *schema)
{
    static const struct {
        const char *name, *logical;
        enum avro_types types;
    } rows[] = {
        {SEMANTIC_DECIMAL, "decimal", AVRO_TYPES_CONNECT},
        {"org.apache.kafka.connect.data.Date", "date", AVRO_TYPES_CONNECT},
        {"org.apache.kafka.connect.data.Time", "time-millis", AVRO_TYPES_CONNECT},
        {"org.apache.kafka.connect.data.Timestamp", "timestamp-millis", AVRO_TYPES_CONNECT},
        {SEMANTIC_DECIMAL, "decimal", AVRO_TYPES_STANDARD},
        {SEMANTIC_AVRO_UUID, SEMANTIC_AVRO_UUID, AVRO_TYPES_STANDARD},
        {SEMANTIC_AVRO_DATE, SEMANTIC_AVRO_DATE, AVRO_TYPES_STANDARD},
        {SEMANTIC_AVRO_TIME, SEMANTIC_AVRO_TIME, AVRO_TYPES_STANDARD},
        {SEMANTIC_AVRO_TIMESTAMP, SEMANTIC_AVRO_TIMESTAMP, AVRO_TYPES_STANDARD},
        {SEMANTIC_AVRO_TIMESTAMPTZ, SEMANTIC_AVRO_TIMESTAMPTZ, AVRO_TYPES_STANDARD},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].types == w->types && is_named(schema, rows[i].name))
            return rows[i].logical;
    return NULL;
}

static void write_default(const struct connect_schema *schema, const char *member, struct buf *out)
{
    if (schema->default_json.at == NULL)
        return;
    buf_text(out, member);
    if (schema->base == CONNECT_BYTES)
        avro_json_bytes(schema->default_json, out);
    else
        buf_slice(out, schema->default_json);
}

static void write_parameters(const struct connect_schema *schema, struct buf *out)
{
    if (schema->parameter_count == 0)
        return;
    JSON_CONSTANT(out, ",\"connect.parameters\":{");
    for (size_t i = 0; i < schema->parameter_count; i++) {
        if (i > 0)
            buf_byte(out, ',');
        json_text(out, slice_text(schema->parameters[i].name));
        buf_byte(out, ':');
        json_text(out, schema->parameters[i].value);
    }
    buf_byte(out, '}');
}

/* What Kafka Connect knows of a schema and Avro has no word for, in AvroData's order. */
static void write_connect(const struct connect_schema *schema, struct buf *out)
{
    write_text(out, ",\"connect.doc\":", schema->doc);
    if (schema->version != 0) {
        JSON_CONSTANT(out, ",\"connect.version\":");
        json_i64(out, schema->version);
    }
    write_parameters(schema, out);
    write_default(schema, ",\"connect.default\":", out);
    write_text(out, ",\"connect.name\":", schema->name);
    if (schema->base == CONNECT_INT16)
        JSON_CONSTANT(out, ",\"connect.type\":\"int16\"");
}

static void write_properties(const struct avro_writing *w, const struct connect_schema *schema)
{
    const char *logical = logical_type(w, schema);
    struct buf *out = w->out;

    if (is_named(schema, SEMANTIC_DECIMAL)) {
        JSON_CONSTANT(out, ",\"scale\":");
        buf_slice(out, parameter(schema, "scale", "0"));
        JSON_CONSTANT(out, ",\"precision\":");
        buf_slice(out, parameter(schema, "connect.decimal.precision", "64"));
    }
    if (w->types == AVRO_TYPES_CONNECT)
        write_connect(schema, out);
    if (logical != NULL)
        write_text(out, ",\"logicalType\":", slice_text(logical));
}

static bool has_properties(const struct avro_writing *w, const struct connect_schema *schema)
{
    if (w->types == AVRO_TYPES_STANDARD)
        return logical_type(w, schema) != NULL;
    return schema->name.at != NULL || schema->version != 0 || schema->default_json.at != NULL ||
           schema->parameter_count > 0 || schema->base == CONNECT_INT16;
}

static void write_field(struct avro_writing *w, const struct connect_field *field,
                        struct slice space)
{
    const struct connect_schema *schema = field->schema;

    write_text(w->out, "{\"name\":", field->name);
    JSON_CONSTANT(w->out, ",\"type\":");
    write_schema(w, schema, space);
    if (schema->default_json.at != NULL)
        write_default(schema, ",\"default\":", w->out);
    else if (schema->optional)
        JSON_CONSTANT(w->out, ",\"default\":null");
    buf_byte(w->out, '}');
}

/* True when the record was written before: then its name stands for it. */
static bool write_reference(struct avro_writing *w, struct slice name, struct slice space)
{
    for (size_t i = 0; i < w->name_count; i++) {
        if (slice_equal(w->names[i], name)) {
            json_text(w->out, slice_equal(space_of(name), space) ? last_of(name) : name);
            return true;
        }
    }
    if (w->name_count < NAMES_MAX)
        w->names[w->name_count++] = name;
    return false;
}

static void write_record(struct avro_writing *w, const struct connect_schema *schema,
                         struct slice space)
{
    struct slice own = space_of(schema->name);

    if (write_reference(w, schema->name, space))
        return;
    JSON_CONSTANT(w->out, "{\"type\":\"record\"");
    write_text(w->out, ",\"name\":", last_of(schema->name));
    if (own.len > 0 && !slice_equal(own, space))
        write_text(w->out, ",\"namespace\":", own);
    JSON_CONSTANT(w->out, ",\"fields\":[");
    for (size_t i = 0; i < schema->field_count; i++) {
        if (i > 0)
            buf_byte(w->out, ',');
        write_field(w, &schema->fields[i], own);
    }
    buf_byte(w->out, ']');
    write_properties(w, schema);
    buf_byte(w->out, '}');
}

static void write_required(struct avro_writing *w, const struct connect_schema *schema,
                           struct slice space)
{
    if (schema->base == CONNECT_STRUCT) {
        write_record(w, schema, space);
        return;
    }
    if (schema->base == CONNECT_ARRAY || schema->base == CONNECT_MAP) {
        buf_text(w->out, schema->base == CONNECT_ARRAY ? "{\"type\":\"array\",\"items\":"
                                                       : "{\"type\":\"map\",\"values\":");
        write_schema(w, schema->items, space);
    } else if (has_properties(w, schema)) {
        JSON_CONSTANT(w->out, "{\"type\":");
        buf_text(w->out, primitive_name(schema->base));
    } else {
        buf_text(w->out, primitive_name(schema->base));
        return;
    }
    write_properties(w, schema);
    buf_byte(w->out, '}');
}

static void write_schema(struct avro_writing *w, const struct connect_schema *schema,
                         struct slice space)
{
    if (!schema->optional) {
        write_required(w, schema, space);
        return;
    }
    buf_byte(w->out, '[');
    if (schema->default_json.at == NULL)
        JSON_CONSTANT(w->out, "\"null\",");
    write_required(w, schema, space);
    if (schema->default_json.at != NULL)
        JSON_CONSTANT(w->out, ",\"null\"");
    buf_byte(w->out, ']');
}

void avro_schema_write(const struct connect_schema *schema, enum avro_types types, struct buf *out)
{
    struct avro_writing w = {.out = out, .types = types};

    write_schema(&w, schema, (struct slice){NULL, 0});
}
