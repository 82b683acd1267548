/* write_docs - writes the documents in deploy/ that are made from the tables (target `docs`). */
#include <stdio.h>

#include "relay/command_line.h"

int main(int argc, char **argv)
{
    struct error err = {0};

    if (argc == 2 && command_write_help(argv[1], stdout, &err) && fflush(stdout) == 0)
        return 0;
    (void)fprintf(stderr, "write_docs: %s\n", argc == 2 ? err.text : "usage: write_docs TOPIC");
    return 2;
}
