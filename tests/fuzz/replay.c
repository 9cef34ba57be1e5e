/* Calls a fuzzer with every file of the folders given, so that what was found once is tried by
 * every `make unit`, with any compiler. Says what it did as cmocka does, for tests/unit.sh. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>

enum { CASE_MOST = 1 << 20 };

static void replay(const char *path) {
  FILE *file = fopen(path, "rb");
  uint8_t *bytes = malloc(CASE_MOST);
  if (!file || !bytes) {
    fprintf(stderr, "%s: can't be read\n", path);
    exit(1);
  }
  size_t size = fread(bytes, 1, CASE_MOST, file);
  fclose(file);
  /* No longer than it is, so that a sanitizer sees who reads beyond. */
  uint8_t *exact = realloc(bytes, size ? size : 1);
  fprintf(stderr, "%s\n", path);
  (void)LLVMFuzzerTestOneInput(exact, size);
  free(exact);
}

static int replay_all(const char *folder) {
  char path[512];
  struct dirent **names;
  int n = scandir(folder, &names, NULL, alphasort), tried = 0;
  for (int i = 0; i < n; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
    if (names[i]->d_name[0] != '.') replay(path), tried++;
    free(names[i]);
  }
  if (n >= 0) free(names);
  return tried;
}

int main(int argc, char **argv) {
  int tried = 0;
  for (int i = 1; i < argc; i++)
    tried += replay_all(argv[i]);
  if (!tried) {
    fprintf(stderr, "nothing to replay\n");
    return 1;
  }
  printf("[  PASSED  ] %d test(s).\n", tried);
  return 0;
}
