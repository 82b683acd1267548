#include "relay/pg_error.h"

#include <stdio.h>
#include <string.h>

void pg_line_add(struct pg_line *line, const char *text)
{
    bool gap = false;

    for (; *text != '\0' && line->len + 2 < sizeof line->text; text++) {
        bool space = strchr(" \t\r\n", *text) != NULL;

        if (!space && gap && line->len > 0)
            line->text[line->len++] = ' ';
        if (!space)
            line->text[line->len++] = *text;
        gap = space;
    }
    line->text[line->len] = '\0';
}

void pg_line_add_field(struct pg_line *line, const PGresult *result, int field, const char *before)
{
    const char *text = PQresultErrorField(result, field);

    if (text == NULL)
        return;
    if (line->len > 0 && line->len + strlen(before) < sizeof line->text)
        line->len +=
            (size_t)snprintf(line->text + line->len, sizeof line->text - line->len, "%s", before);
    pg_line_add(line, text);
}

const char *pg_sqlstate(const PGresult *result)
{
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return state == NULL ? "" : state;
}

static enum error_kind kind_of_sqlstate(const char *state)
{
    static const char *const link[] = {
        "08",                      /* connection exceptions */
        "40",                      /* serialization: a snapshot could not be built; deadlock */
        "53",                      /* out of connections, memory, disk */
        "55006",                   /* slot in use */
        "57014",                   /* cancelled by somebody */
        "57P01", "57P02", "57P03", /* shutting down, crashed, starting up */
        "58",                      /* the server's own input and output */
    };

    for (size_t i = 0; i < ARRAY_LEN(link); i++)
        if (strncmp(state, link[i], strlen(link[i])) == 0)
            return ERROR_LINK;
    return state[0] == '\0' ? ERROR_LINK : ERROR_CONFIG;
}

/* Messages of these classes quote the offending value, which may come out of a row. */
static bool quotes_values(const char *state)
{
    return (strncmp(state, "22", 2) == 0 && strcmp(state, "22023") != 0) ||
           strncmp(state, "23", 2) == 0;
}

static bool result_error(const PGresult *result, struct error *err)
{
    const char *state = pg_sqlstate(result);
    struct pg_line line = {.len = 0};

    if (quotes_values(state))
        return error_set(err, kind_of_sqlstate(state),
                         "PostgreSQL cannot process a value: SQLSTATE %s (the server's log has the "
                         "text)",
                         state);
    pg_line_add_field(&line, result, PG_DIAG_MESSAGE_PRIMARY, "");
    pg_line_add_field(&line, result, PG_DIAG_MESSAGE_DETAIL, ": ");
    pg_line_add_field(&line, result, PG_DIAG_MESSAGE_HINT, " Hint: ");
    return error_set(err, kind_of_sqlstate(state), "PostgreSQL: %s (SQLSTATE %s)", line.text,
                     state);
}

bool pg_error(struct pg_conn *conn, const PGresult *result, struct error *err)
{
    struct pg_line line = {.len = 0};
    const char *said = "";

    if (pg_sqlstate(result)[0] != '\0')
        return result_error(result, err);
    if (result != NULL)
        said = PQresultErrorMessage(result);
    if (said[0] == '\0' && conn->link != NULL)
        said = PQerrorMessage(conn->link);
    pg_line_add(&line, said[0] == '\0' ? "the connection is closed" : said);
    return error_set(err, ERROR_LINK, "PostgreSQL: %s", line.text);
}

/* Failures on our side of the connection that no repetition mends.  (libpq speaks English as long
 * as the program does not call setlocale.) */
static bool is_local_misconfiguration(const char *text)
{
    static const char *const signs[] = {
        "invalid ",       "SSL error:",           "certificate",
        "private key",    "no password supplied", "does not support SSL",
        "authentication", "channel binding",
    };

    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (strstr(text, signs[i]) != NULL)
            return true;
    return false;
}

/* The SQLSTATE in "FATAL:  28P01: password authentication failed", as libpq prints it under
 * PQERRORS_VERBOSE; of several hosts tried, the last one's.  False when there is none. */
static bool find_sqlstate(const char *text, char out_state[6])
{
    bool found = false;

    for (const char *at = text; (at = strstr(at, ":  ")) != NULL; at++) {
        size_t len = strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        if (len != 5 || at[8] != ':')
            continue;
        memcpy(out_state, at + 3, 5);
        out_state[5] = '\0';
        found = true;
    }
    return found;
}

#define QUESTION "\tIs the server running "

/* Verbose messages end in a line that names the server's source file; that a server does not answer
 * ends in a question, in place of which the caller gives advice. */
static void line_add_without_extras(struct pg_line *line, const char *text)
{
    char part[PG_MESSAGE_BYTES];

    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        (void)snprintf(part, sizeof part, " %.*s", (int)(len < sizeof part ? len : sizeof part),
                       text);
        if (strncmp(text, "LOCATION:", 9) != 0 && strncmp(text, QUESTION, sizeof QUESTION - 1) != 0)
            pg_line_add(line, part);
        text += len + (text[len] == '\n');
    }
}

bool pg_connect_error(struct pg_conn *conn, struct error *err)
{
    const char *text = PQerrorMessage(conn->link);
    enum error_kind kind = ERROR_LINK;
    struct pg_line line = {.len = 0};
    char state[6];

    if (find_sqlstate(text, state))
        kind = kind_of_sqlstate(state);
    else if (is_local_misconfiguration(text))
        kind = ERROR_CONFIG;
    line_add_without_extras(&line, text);
    return error_set(err, kind, "%s%s", line.text,
                     strstr(text, QUESTION) == NULL
                         ? ""
                         : ": start the server there, or correct source.postgres.host and "
                           "source.postgres.port (or source.postgres.url)");
}
