#include "millrace/event.h"

const char *event_kind_name(enum event_kind kind)
{
    switch (kind) {
    case EVENT_BEGIN:
        return "BEGIN";
    case EVENT_COMMIT:
        return "COMMIT";
    case EVENT_INSERT:
        return "INSERT";
    case EVENT_UPDATE:
        return "UPDATE";
    case EVENT_DELETE:
        return "DELETE";
    case EVENT_TRUNCATE:
        return "TRUNCATE";
    case EVENT_MESSAGE:
        return "MESSAGE";
    case EVENT_READ:
        return "READ";
    case EVENT_SNAPSHOT_BEGIN:
        return "SNAPSHOT_BEGIN";
    case EVENT_SNAPSHOT_END:
        return "SNAPSHOT_END";
    case EVENT_RELATION:
        return "RELATION";
    case EVENT_PROGRESS:
        return "PROGRESS";
    case EVENT_HEARTBEAT:
        return "HEARTBEAT";
    }
    return "UNKNOWN";
}
