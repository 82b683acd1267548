/* command_help - what `millrace help` shows, and the manual page. */
#include "relay/command_line.h"

#include <string.h>

#include "relay/exit_code.h"
#include "relay/suggest.h"

/* The usage is also the manual's; lines of at most 80. */
static const struct {
    const char *name;
    const char *usage;
    const char *does; /* one line */
    const char *more; /* sentences, each on its own line */
} topics[] = {
    {"run", "millrace run [-c FILE] [--set PATH=VALUE]... [--print-config]",
     "copy the database, then relay every change until told to stop",
     "Continues where the sink says that it is; begins with a snapshot when it holds nothing.\n"
     "SIGTERM or SIGINT ends it after the commit that is under way; a second one ends it at once.\n"
     "Leaving at once is always safe.\n"},
    {"check", "millrace check [-c FILE] [--set PATH=VALUE]... [--print-config]",
     "try everything that run would need, and change nothing",
     "Prints one line for each thing that is needed, with the statement that mends what is not.\n"},
    {"status", "millrace status [-c FILE] [--set PATH=VALUE]... [--print-config]",
     "show the position, the lag and the WAL that the slot retains",
     "Reads the position where run keeps it and the slot on the server; disturbs neither.\n"},
    {"plan", "millrace plan [-c FILE] [--set PATH=VALUE]... [--json]",
     "show what each table will become, and warn of every loss",
     "For each table that would be captured: topic, partitions, key and where it comes from, "
     "replica\n"
     "identity, what is written of each column. Then what is selected and not captured, and why.\n"
     "Warns of everything that is lost or odd. Asks the catalogue only, and Kafka for the "
     "partitions\n"
     "of topics that exist; makes nothing. With --json one JSON object, for machines.\n"
     "Ends with 0 also when there are warnings; the last line counts them.\n"},
    {"schema", "millrace schema [TABLE]... [-c FILE] [--set PATH=VALUE]... [--key|--value]",
     "print the schemas that tables' records will have",
     "TABLE is schema.table or a pattern as in tables.include; without one, every captured table.\n"
     "Prints a line of JSON for each table: table, topic, encoding, and under key and value the\n"
     "schema (with encoding avro also its subject). With --key or --value the schema alone, "
     "exactly\n"
     "as it would be registered. With encoding json, whose records have none, the schema that\n"
     "json-schema would put into them. Asks the catalogue only; registers and makes nothing.\n"},
    {"import", "millrace import FILE [-o FILE]",
     "turn the configuration of a Debezium connector into ours",
     "FILE is a PostgreSQL connector's .properties, or its JSON as Kafka Connect takes it.\n"
     "Writes YAML to standard output, or with -o to a new file. What could not be carried over, "
     "and\n"
     "what needs a look, is told in comments there and on standard error. Passwords become "
     "${NAME}:\n"
     "set these variables. Ends with 0 also when something could not be carried over.\n"},
    {"log", "millrace log cat|verify|stat DIR [--topic NAME] [--from OFFSET]",
     "look into a local event log",
     "cat prints its records as JSON lines, with --topic those of one topic, with --from those\n"
     "from an offset on; verify checks every frame, stat tells what it holds.\n"},
    {"version", "millrace version", "show the versions of millrace and of its libraries", ""},
    {"help", "millrace help [COMMAND|options|exit-codes|example|manual]",
     "explain a command, the options, the exit codes",
     "example prints a configuration to begin with, manual the manual page.\n"},
};

static const struct {
    const char *mark; /* in the usage of the commands that take it; "": of all */
    const char *usage;
    const char *does;
} flags[] = {
    {"[-c FILE]", "-c, --config FILE",
     "configuration file; else ./millrace.yaml, else /etc/millrace/millrace.yaml"},
    {"--set", "--set PATH=VALUE",
     "set one option, over the file; may be repeated; no place for a password"},
    {"--print-config", "--print-config",
     "print the configuration in force, without its secrets, and end"},
    {"--json", "--json", "plan: one JSON object instead of text"},
    {"--key", "--key, --value",
     "schema: the schema of keys or of values alone, a line for each table"},
    {"[-o FILE]", "-o, --output FILE", "import: the file to write, which must not exist yet"},
    {"", "-h, --help", "explain the command"},
};

static const char *const other_topics[] = {"options", "exit-codes", "example", "manual"};

static void write_overview(FILE *out)
{
    (void)fputs("millrace copies a PostgreSQL database into Kafka, and every change after that, "
                "exactly once.\n\n",
                out);
    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        (void)fprintf(out, "  millrace %-8s %s\n", topics[i].name, topics[i].does);
    (void)fputs(
        "\nBegin with: millrace help example > millrace.yaml\n"
        "See also:   millrace help options, millrace help exit-codes, millrace help COMMAND\n",
        out);
}

static void write_flags(const char *usage, FILE *out)
{
    (void)fputc('\n', out);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (strstr(usage, flags[i].mark) != NULL)
            (void)fprintf(out, "  %-18s  %s\n", flags[i].usage, flags[i].does);
}

static void write_topic(size_t i, FILE *out)
{
    (void)fprintf(out, "%s\n\n%s: %s.\n%s", topics[i].usage, topics[i].name, topics[i].does,
                  topics[i].more);
    if (strstr(topics[i].usage, "FILE]") != NULL)
        write_flags(topics[i].usage, out);
}

static void write_exit_codes(FILE *out)
{
    unsigned count;
    const struct exit_code_help *codes = exit_code_list(&count);

    (void)fputs("Exit codes:\n\n", out);
    for (unsigned i = 0; i < count; i++)
        (void)fprintf(out, "  %2d  %s\n      %s\n", (int)codes[i].code, codes[i].name,
                      codes[i].help);
}

static bool unknown_topic(const char *topic, struct error *err)
{
    struct suggestion meant = {.word = topic};

    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        suggest_offer(&meant, topics[i].name, topics[i].name);
    for (size_t i = 0; i < ARRAY_LEN(other_topics); i++)
        suggest_offer(&meant, other_topics[i], other_topics[i]);
    if (meant.best != NULL)
        return error_set(err, ERROR_CONFIG, "no help on '%.100s': did you mean '%s'?", topic,
                         meant.best);
    return error_set(err, ERROR_CONFIG, "no help on '%.100s': see millrace help", topic);
}

static const struct {
    const char *name;
    void (*write)(FILE *out);
} writers[] = {
    {"options", options_write_help},
    {"exit-codes", write_exit_codes},
    {"example", options_write_example},
    {"manual", command_write_manual},
};

_Static_assert(ARRAY_LEN(writers) == ARRAY_LEN(other_topics), "each topic has its writer");

bool command_write_help(const char *topic, FILE *out, struct error *err)
{
    if (topic == NULL) {
        write_overview(out);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(writers); i++)
        if (strcmp(writers[i].name, topic) == 0) {
            writers[i].write(out);
            return true;
        }
    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        if (strcmp(topics[i].name, topic) == 0) {
            write_topic(i, out);
            return true;
        }
    return unknown_topic(topic, err);
}

/* Text that may hold minus signs, as roff wants them. */
static void put_roff(const char *text, FILE *out)
{
    for (; *text != '\0'; text++)
        (void)fprintf(out, *text == '-' ? "\\%c" : "%c", *text);
    (void)fputc('\n', out);
}

static void manual_head(FILE *out)
{
    (void)fputs(".\\\" Made by millrace help manual from the table of options: do not edit.\n"
                ".TH MILLRACE 1 \"\" \"millrace " MILLRACE_VERSION "\" \"User commands\"\n"
                ".SH NAME\n"
                "millrace \\- relay the changes of a PostgreSQL database to Kafka, exactly once\n"
                ".SH SYNOPSIS\n.nf\n",
                out);
    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        put_roff(topics[i].usage, out);
    (void)fputs(
        ".fi\n"
        ".SH DESCRIPTION\n"
        "millrace copies the tables of a PostgreSQL database and then every change to them, "
        "in commit order, into Kafka topics or a local event log.\n"
        "The sink keeps the position, in one atomic step with the records: whatever is "
        "killed, nothing is lost and nothing is published twice.\n",
        out);
}

static void manual_commands(FILE *out)
{
    (void)fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        (void)fprintf(out, ".TP\n.B %s\n", topics[i].name);
        put_roff(topics[i].does, out);
        if (*topics[i].more != '\0')
            (void)fprintf(out, ".br\n%s", topics[i].more);
    }
    (void)fputs(".SH FLAGS\n", out);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        (void)fputs(".TP\n.B ", out);
        put_roff(flags[i].usage, out);
        put_roff(flags[i].does, out);
    }
}

static void manual_exit_codes(FILE *out)
{
    unsigned count;
    const struct exit_code_help *codes = exit_code_list(&count);

    (void)fputs(".SH EXIT STATUS\n", out);
    for (unsigned i = 0; i < count; i++) {
        (void)fprintf(out, ".TP\n.B %d\n", (int)codes[i].code);
        put_roff(codes[i].help, out);
    }
}

void command_write_manual(FILE *out)
{
    manual_head(out);
    manual_commands(out);
    (void)fputs(
        ".SH OPTIONS\n"
        "One YAML file holds them; sections may nest or be written with dots, and unknown or "
        "repeated options are errors.\n"
        "In a value, ${NAME} is replaced by that environment variable, and $$ is a dollar.\n",
        out);
    options_write_manual(out);
    manual_exit_codes(out);
    (void)fputs(".SH FILES\n"
                ".I ./millrace.yaml\n.br\n.I /etc/millrace/millrace.yaml\n"
                ".SH SEE ALSO\n.BR psql (1)\n",
                out);
}
