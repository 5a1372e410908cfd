/* A library for LD_PRELOAD that lets a machine misbehave on request, so that tests need no rights and no real disk.
 *
 *   MAIE_FAULT_FOLDER  files below it are concerned
 *   MAIE_FAULT_SWITCH  a file; its first word says what happens while it is there:
 *                        full      writing fails with ENOSPC, flushing too
 *                        readonly  writing and creating fail with EROFS
 *   MAIE_FAULT_CLOCK   a file with a number of seconds by which the wall clock is off; absent: 0
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int read_small(const char* variable, char* text, size_t size) {
  const char* path = getenv(variable);
  if (path == NULL) return 0;
  const int saved = errno;
  const int file = NEXT(open)(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = -1;
  if (file >= 0) {
    got = read(file, text, size - 1);
    close(file);
  }
  errno = saved;
  if (got <= 0) return 0;
  text[got] = 0;
  return 1;
}

static int fault(void) {
  char text[32];
  if (!read_small("MAIE_FAULT_SWITCH", text, sizeof text)) return 0;
  if (strncmp(text, "full", 4) == 0) return ENOSPC;
  if (strncmp(text, "readonly", 8) == 0) return EROFS;
  return 0;
}

static int concerned(const char* path) {
  const char* folder = getenv("MAIE_FAULT_FOLDER");
  return folder != NULL && path != NULL && strncmp(path, folder, strlen(folder)) == 0 &&
         strstr(path, "serve.log") == NULL;
}

static int descriptor_concerned(int descriptor) {
  char name[64], path[4096];
  snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  const int saved = errno;
  const ssize_t length = readlink(name, path, sizeof path - 1);
  errno = saved;
  if (length <= 0) return 0;
  path[length] = 0;
  return concerned(path);
}

static int refused(int descriptor) {
  const int error = fault();
  if (error == 0 || !descriptor_concerned(descriptor)) return 0;
  errno = error;
  return 1;
}

ssize_t write(int d, const void* b, size_t n) { return refused(d) ? -1 : NEXT(write)(d, b, n); }
ssize_t pwrite(int d, const void* b, size_t n, off_t o) {
  return refused(d) ? -1 : NEXT(pwrite)(d, b, n, o);
}
ssize_t pwrite64(int d, const void* b, size_t n, off64_t o) {
  return refused(d) ? -1 : NEXT(pwrite64)(d, b, n, o);
}
ssize_t writev(int d, const struct iovec* v, int n) {
  return refused(d) ? -1 : NEXT(writev)(d, v, n);
}
int ftruncate(int d, off_t n) { return refused(d) ? -1 : NEXT(ftruncate)(d, n); }
int ftruncate64(int d, off64_t n) { return refused(d) ? -1 : NEXT(ftruncate64)(d, n); }
int fallocate(int d, int m, off_t o, off_t n) { return refused(d) ? -1 : NEXT(fallocate)(d, m, o, n); }
int posix_fallocate(int d, off_t o, off_t n) {
  return refused(d) ? errno : NEXT(posix_fallocate)(d, o, n);
}
int fsync(int d) { return refused(d) ? -1 : NEXT(fsync)(d); }
int fdatasync(int d) { return refused(d) ? -1 : NEXT(fdatasync)(d); }

/* Creating a file on a full disk may still work; on a read-only one nothing is opened for writing. */
static int open_refused(const char* path, int flags) {
  const int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
  if (!writes || !concerned(path) || fault() != EROFS) return 0;
  errno = EROFS;
  return 1;
}

#define MODE_OF(flags, last)            \
  mode_t mode = 0;                      \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list list;                       \
    va_start(list, last);               \
    mode = va_arg(list, mode_t);        \
    va_end(list);                       \
  }

int open(const char* path, int flags, ...) {
  MODE_OF(flags, flags)
  return open_refused(path, flags) ? -1 : NEXT(open)(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE_OF(flags, flags)
  return open_refused(path, flags) ? -1 : NEXT(open64)(path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  MODE_OF(flags, flags)
  return open_refused(path, flags) ? -1 : NEXT(openat)(folder, path, flags, mode);
}
int mkdir(const char* path, mode_t mode) {
  const int error = concerned(path) ? fault() : 0;
  if (error != 0) {
    errno = error;
    return -1;
  }
  return NEXT(mkdir)(path, mode);
}
int rename(const char* from, const char* to) {
  if (concerned(to) && fault() == EROFS) {
    errno = EROFS;
    return -1;
  }
  return NEXT(rename)(from, to);
}
int unlink(const char* path) {
  if (concerned(path) && fault() == EROFS) {
    errno = EROFS;
    return -1;
  }
  return NEXT(unlink)(path);
}

static time_t clock_offset(void) {
  char text[32];
  return read_small("MAIE_FAULT_CLOCK", text, sizeof text) ? (time_t)atoll(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  const int status = NEXT(clock_gettime)(clock, now);
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    now->tv_sec += clock_offset();
  }
  return status;
}
int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  const int status = NEXT(gettimeofday)(now, zone);
  if (status == 0) now->tv_sec += clock_offset();
  return status;
}
time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}
