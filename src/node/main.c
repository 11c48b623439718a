/* main: the program's entry; cli.c has the rest. */
#include "node/cli.h"

int main(int argc, char *argv[], char *env[]) {
    return cli_main(argc, argv, env);
}
