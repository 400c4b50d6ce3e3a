/* A stand-in for libnvidia-ml.so.1: two GPUs whose state a test keeps in a file.

   NVML_STATE names a file that holds four numbers: what nvmlInit returns, what a question for
   memory returns, and the used MiB of either GPU. WITHOUT_V2 leaves out what old drivers lack. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024ULL * 1024ULL)
static int state[4];
static char devices[2];

static void look(void) {
  FILE *file = fopen(getenv("NVML_STATE"), "r");
  if (file) {
    if (fscanf(file, "%d %d %d %d", state, state + 1, state + 2, state + 3) != 4) abort();
    fclose(file);
  }
}
static int number(void *device) { return (char *)device - devices; }

int nvmlInitWithFlags(unsigned flags) { (void)flags; look(); return state[0]; }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return code == 15 ? "GPU is lost" : "Some error"; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
  *device = devices + index;
  return 0;
}
int nvmlDeviceGetName(void *device, char *name, unsigned size) {
  snprintf(name, size, "Stand-in %d", number(device));
  return 0;
}
int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size) {
  snprintf(uuid, size, "GPU-0000000%d-aaaa", number(device));
  return 0;
}
int nvmlDeviceGetUtilizationRates(void *device, unsigned *rates) {
  if (number(device)) return 3; /* not supported */
  rates[0] = 73;
  rates[1] = 20;
  return 0;
}

/* The first version counts the driver's reserved memory (300 MiB) as used. */
int nvmlDeviceGetMemoryInfo(void *device, unsigned long long *memory) {
  look();
  memory[0] = 24576 * MIB;
  memory[2] = (state[2 + number(device)] + 300) * MIB;
  memory[1] = memory[0] - memory[2];
  return state[1];
}
#ifndef WITHOUT_V2
struct memory_v2 { unsigned version; unsigned long long total, reserved, free, used; };
int nvmlDeviceGetMemoryInfo_v2(void *device, struct memory_v2 *memory) {
  look();
  if (memory->version != 0x02000028) return 25;
  memory->total = 24576 * MIB;
  memory->reserved = 300 * MIB;
  memory->used = state[2 + number(device)] * MIB;
  memory->free = memory->total - memory->reserved - memory->used;
  return state[1];
}
#endif
