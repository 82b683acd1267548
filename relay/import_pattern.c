#include "relay/import_pattern.h"

#include <string.h>

/* A Java pattern on its way. */
struct converting {
    const char *at;
    bool groups;
    struct buf *out;
    const char *why; /* NULL: fine so far */
};

static bool refuse(struct converting *c, const char *why)
{
    c->why = why;
    return false;
}

/* Means something to POSIX outside of brackets. */
static bool is_special(char letter)
{
    return strchr("\\.[]()*+?{}|^$", letter) != NULL;
}

static bool is_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static void put_literal(struct converting *c, char letter)
{
    if (is_special(letter))
        buf_byte(c->out, '\\');
    buf_byte(c->out, (uint8_t)letter);
}

/* What stands between brackets for \d, \w, \s; NULL for others. */
static const char *class_of(char letter)
{
    switch (letter) {
    case 'd':
        return "0-9";
    case 'w':
        return "A-Za-z0-9_";
    case 's':
        return "[:space:]";
    default:
        return NULL;
    }
}

/* \Q...\E: every character stands for itself. */
static void quoted(struct converting *c)
{
    while (*c->at != '\0' && strncmp(c->at, "\\E", 2) != 0)
        put_literal(c, *c->at++);
    if (*c->at != '\0')
        c->at += 2;
}

/* Behind a backslash, outside of brackets. */
static bool escape(struct converting *c)
{
    char letter = *c->at;
    const char *class = class_of((char)(letter | 0x20));

    if (letter == '\0')
        return refuse(c, "a backslash at the end");
    c->at++;
    if (letter == 'Q') {
        quoted(c);
        return true;
    }
    if (is_letter(letter) && class != NULL) {
        buf_printf(c->out, letter < 'a' ? "[^%s]" : "[%s]", class);
        return true;
    }
    if (is_digit(letter))
        return refuse(c, "a back reference");
    if (is_letter(letter))
        return refuse(c, "a backslash before a letter (other than \\d, \\w, \\s, \\Q)");
    put_literal(c, letter);
    return true;
}

/* What may stand at certain places only, in POSIX, where brackets know no backslash. */
struct bracket {
    bool negated, has_close, has_caret, has_dash;
    struct buf body;
};

static void put_bracket(struct converting *c, const struct bracket *b)
{
    bool lone_caret = b->has_caret && !b->negated && !b->has_close && b->body.len == 0;

    if (lone_caret && !b->has_dash) {
        buf_text(c->out, "\\^");
        return;
    }
    buf_text(c->out, b->negated ? "[^" : "[");
    if (b->has_close)
        buf_byte(c->out, ']');
    buf_slice(c->out, buf_view(&b->body));
    if (b->has_caret && !lone_caret)
        buf_byte(c->out, '^');
    if (b->has_dash)
        buf_byte(c->out, '-');
    if (lone_caret)
        buf_byte(c->out, '^'); /* behind the dash: [-^] */
    buf_byte(c->out, ']');
}

/* A character of a set that stands for itself. */
static void put_member(struct bracket *b, char letter)
{
    if (letter == ']')
        b->has_close = true;
    else if (letter == '^')
        b->has_caret = true;
    else if (letter == '-')
        b->has_dash = true;
    else
        buf_byte(&b->body, (uint8_t)letter);
}

static bool bracket_escape(struct converting *c, struct bracket *b)
{
    char letter = *c->at;

    if (letter == '\0')
        return refuse(c, "a set that does not end");
    c->at++;
    if (class_of(letter) != NULL) {
        buf_text(&b->body, class_of(letter));
        return true;
    }
    if (is_letter(letter) || is_digit(letter))
        return refuse(c,
                      "a backslash in a set before a letter (other than \\d, \\w, \\s) or digit");
    if (*c->at == '-' && c->at[1] != ']')
        return refuse(c, "a range in a set from a special character");
    put_member(b, letter);
    return true;
}

/* From a to z: the ends must be plain, and the dash between them no other. */
static bool bracket_range(struct converting *c, struct bracket *b)
{
    char from = c->at[0], to = c->at[2];

    if (to == '\\' || to == '[' || from == '^' || from == '-' || from == ']')
        return refuse(c, "a range in a set from or to a special character");
    buf_append(&b->body, c->at, 3);
    c->at += 3;
    return true;
}

static bool bracket_member(struct converting *c, struct bracket *b)
{
    char letter = *c->at;

    if (letter == '\0')
        return refuse(c, "a set that does not end");
    if (letter == '[' || strncmp(c->at, "&&", 2) == 0)
        return refuse(c, "a set within a set");
    if (letter == '\\') {
        c->at++;
        return bracket_escape(c, b);
    }
    if (letter != '-' && c->at[1] == '-' && c->at[2] != ']' && c->at[2] != '\0')
        return bracket_range(c, b);
    if ((unsigned char)letter >= 0x80)
        return refuse(c, "a set with letters beyond ASCII");
    c->at++;
    put_member(b, letter);
    return true;
}

/* Behind [. */
static bool bracket_inside(struct converting *c, struct bracket *b)
{
    if (*c->at == '^') {
        b->negated = true;
        c->at++;
    }
    if (*c->at == ']')
        return refuse(c, "a set that begins with ]");
    while (*c->at != ']')
        if (!bracket_member(c, b))
            return false;
    c->at++;
    return true;
}

static bool bracket(struct converting *c)
{
    struct bracket b = {0};
    bool ok;

    buf_init(&b.body, c->out->limit_bytes);
    ok = bracket_inside(c, &b);
    if (ok)
        put_bracket(c, &b);
    buf_done(&b.body);
    return ok;
}

/* Behind (. */
static bool group(struct converting *c)
{
    buf_byte(c->out, '(');
    if (*c->at != '?')
        return true;
    if (c->at[1] == ':' && !c->groups) {
        c->at += 2;
        return true;
    }
    if (c->at[1] == ':')
        return refuse(c, "(?:...), which would change the numbers of the groups");
    if (c->at[1] == '=' || c->at[1] == '!' ||
        (c->at[1] == '<' && (c->at[2] == '=' || c->at[2] == '!')))
        return refuse(c, "looking ahead or behind");
    if (c->at[1] == '<')
        return refuse(c, "a group with a name");
    return refuse(c, "(?...)");
}

/* `*`, `+`, `?` or {n,m} was written; what may follow it in Java. */
static bool after_quantifier(struct converting *c)
{
    if (*c->at == '+')
        return refuse(c, "a possessive quantifier");
    if (*c->at != '?')
        return true;
    if (c->groups)
        return refuse(c, "a reluctant quantifier");
    c->at++; /* of the whole name the same ones match */
    return true;
}

static bool braces(struct converting *c)
{
    size_t len = strspn(c->at, "0123456789,");

    if (len == 0 || !is_digit(*c->at) || c->at[len] != '}')
        return refuse(c, "{ that is no count");
    buf_byte(c->out, '{');
    buf_append(c->out, c->at, len + 1);
    c->at += len + 1;
    return after_quantifier(c);
}

static bool piece(struct converting *c)
{
    char letter = *c->at++;

    switch (letter) {
    case '\\':
        return escape(c);
    case '[':
        return bracket(c);
    case '(':
        return group(c);
    case '{':
        return braces(c);
    case '*':
    case '+':
    case '?':
        buf_byte(c->out, (uint8_t)letter);
        return after_quantifier(c);
    case ']':
    case '}':
        put_literal(c, letter);
        return true;
    default:
        buf_byte(c->out, (uint8_t)letter);
        return true;
    }
}

bool import_pattern(const char *java, bool groups, struct buf *out, const char **out_why)
{
    struct converting c = {.at = java, .groups = groups, .out = out};

    while (*c.at != '\0')
        if (!piece(&c)) {
            *out_why = c.why;
            return false;
        }
    return true;
}
