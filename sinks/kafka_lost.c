#include "sinks/kafka_lost.h"

#include <string.h>

#include <jansson.h>

static bool says(const json_t *broker, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(broker, name));

    return text != NULL && strcmp(text, value) == 0;
}

/* INIT: nothing has asked for a connection. */
static bool is_of_use(const json_t *broker)
{
    return !says(broker, "source", "logical") && !says(broker, "state", "INIT");
}

bool kafka_lost_in(const char *json, size_t len)
{
    json_t *stats = json_loadb(json, len, 0, NULL);
    json_t *brokers = json_object_get(stats, "brokers");
    bool lost = json_is_object(brokers);
    const char *name;
    json_t *broker;

    json_object_foreach(brokers, name, broker) lost = lost && !is_of_use(broker);
    json_decref(stats);
    return lost;
}
