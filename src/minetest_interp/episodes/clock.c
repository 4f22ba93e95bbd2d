/* The game's clock and its frames in another process's hands. Preloaded into the game, it answers for CLOCK_MONOTONIC_RAW,
   the clock of Minetest's loops, and lets the main loop go on after a frame only when the next one is allowed. Threads that
   wait for another wait as ever.

   GAME_CLOCK names a file of three 64-bit numbers, see `struct shared`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct shared {
  int64_t nanoseconds; /* what the clock shows; written by the other process */
  int64_t allowed;     /* frames that may be drawn; likewise */
  int64_t drawn;       /* frames that are on the screen */
};

static volatile struct shared *shared;
static int (*real_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void start(void) {
  real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  const char *path = getenv("GAME_CLOCK");
  int file = path ? open(path, O_RDWR) : -1;
  void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (!real_gettime || mapped == MAP_FAILED) abort();
  shared = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  if (clock != CLOCK_MONOTONIC_RAW) return real_gettime(clock, now);
  int64_t shown = shared->nanoseconds;
  now->tv_sec = shown / 1000000000;
  now->tv_nsec = shown % 1000000000;
  return 0;
}

void glXSwapBuffers(void *display, unsigned long drawable) {
  static void (*swap)(void *, unsigned long);
  static int (*sync)(void *, int);
  if (!swap) {
    swap = (void (*)(void *, unsigned long))dlsym(RTLD_NEXT, "glXSwapBuffers");
    sync = (int (*)(void *, int))dlsym(RTLD_DEFAULT, "XSync");
    if (!swap || !sync) abort();
  }
  swap(display, drawable);
  sync(display, 0); /* until the X server has the picture */
  shared->drawn++;
  while (shared->drawn >= shared->allowed) usleep(200);
}
