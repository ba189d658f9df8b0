#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
** A job is published by its ticket: the number of the job in the upper half, the next part to run
** in the lower. A part is claimed by counting the ticket up, which fails when the job is no longer
** the one that was read; so a late worker never runs a part of a job it did not see.
*/
typedef struct {
  _Atomic uint64_t ticket;
  _Atomic(mlp_part *) run;
  _Atomic(void *) context;
  atomic_int parts;
  atomic_int done;     /* parts of the present job that have run */
  atomic_int sleepers; /* workers that wait for `wake` */
  atomic_int lanes;    /* 0: not yet asked */
  atomic_int most;     /* threads that may run parts; 0: as many as there are lanes */
  atomic_bool busy;    /* a caller has the pool */
  int threads;         /* workers there are; of the caller that has the pool */
  bool watches_forks;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
} mlp_pool;

/* The second writable global of the process that the design allows: see kernel.c for the first. */
static mlp_pool pool = {.mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

/* Is this thread running a part? Then parts of its own run one after the other. */
static _Thread_local bool inside;

enum { SPINS = 20000 };

static inline void pause_a_little(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static uint64_t job_of(uint64_t ticket) { return ticket >> 32; }
static int part_of(uint64_t ticket) { return (int)(ticket & UINT32_MAX); }

/* ---- running --------------------------------------------------------------------------------- */

/* Runs parts until none is left to claim. */
static void run_parts(void) {
  uint64_t ticket = atomic_load(&pool.ticket);
  for (;;) {
    mlp_part *run = atomic_load_explicit(&pool.run, memory_order_relaxed);
    void *context = atomic_load_explicit(&pool.context, memory_order_relaxed);
    if (part_of(ticket) >= atomic_load_explicit(&pool.parts, memory_order_acquire)) return;
    if (!atomic_compare_exchange_weak(&pool.ticket, &ticket, ticket + 1)) continue;
    run(context, part_of(ticket));
    atomic_fetch_add_explicit(&pool.done, 1, memory_order_release);
    ticket = atomic_load(&pool.ticket);
  }
}

/* Waits for a job after `seen`. */
static uint64_t await_job(uint64_t seen) {
  for (int i = 0; i < SPINS; i++) {
    uint64_t job = job_of(atomic_load_explicit(&pool.ticket, memory_order_acquire));
    if (job != seen) return job;
    pause_a_little();
  }
  pthread_mutex_lock(&pool.mutex);
  atomic_fetch_add(&pool.sleepers, 1);
  while (job_of(atomic_load(&pool.ticket)) == seen) pthread_cond_wait(&pool.wake, &pool.mutex);
  atomic_fetch_sub(&pool.sleepers, 1);
  pthread_mutex_unlock(&pool.mutex);
  return job_of(atomic_load(&pool.ticket));
}

static void *work(void *first_seen) {
  uint64_t seen = (uint64_t)(uintptr_t)first_seen;
  inside = true;
  for (;;) {
    seen = await_job(seen);
    run_parts();
  }
  return NULL;
}

/* ---- threads --------------------------------------------------------------------------------- */

/* The child has none of the threads, and whoever held the lock is not there to open it. */
static void forget_in_child(void) {
  pthread_mutex_init(&pool.mutex, NULL);
  pthread_cond_init(&pool.wake, NULL);
  pool.threads = 0;
  atomic_store(&pool.sleepers, 0);
  atomic_store(&pool.busy, false);
}

static bool start_worker(void) {
  pthread_t thread;
  pthread_attr_t attributes;
  sigset_t all, before;
  uintptr_t seen = (uintptr_t)job_of(atomic_load(&pool.ticket));
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = pthread_create(&thread, &attributes, work, (void *)seen) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return started;
}

/* Fewer threads than wanted only means that they run more parts each. */
static void want_threads(int count) {
  if (!pool.watches_forks) pool.watches_forks = pthread_atfork(NULL, NULL, forget_in_child) == 0;
  while (pool.threads < count && start_worker()) pool.threads++;
}

/* The old ticket goes first: with it and the new number of parts a late worker could claim. */
static void publish(int parts, mlp_part *run, void *context) {
  uint64_t job = (job_of(atomic_load(&pool.ticket)) + 1) & UINT32_MAX;
  atomic_store(&pool.parts, 0);
  atomic_store(&pool.ticket, job << 32 | UINT32_MAX >> 1);
  atomic_store_explicit(&pool.run, run, memory_order_relaxed);
  atomic_store_explicit(&pool.context, context, memory_order_relaxed);
  atomic_store_explicit(&pool.done, 0, memory_order_relaxed);
  atomic_store(&pool.parts, parts);
  job = (job + 1) & UINT32_MAX;
  atomic_store(&pool.ticket, job << 32);
  if (atomic_load(&pool.sleepers) == 0) return;
  pthread_mutex_lock(&pool.mutex);
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.mutex);
}

static void await_parts(int parts) {
  for (int64_t i = 0; atomic_load_explicit(&pool.done, memory_order_acquire) < parts; i++) {
    pause_a_little();
    if (i > SPINS) sched_yield(); /* a worker may have lost its processor in mid-part */
  }
}

void mlp_parallel(int parts, mlp_part *run, void *context) {
  bool had = true;
  if (parts > 1 && !inside) had = atomic_exchange(&pool.busy, true);
  int most = atomic_load(&pool.most);
  if (most == 0 || most > mlp_lanes()) most = mlp_lanes();
  if (!had && most > 1) want_threads((parts < most ? parts : most) - 1);
  if (had || most == 1 || pool.threads == 0) {
    if (!had) atomic_store(&pool.busy, false);
    bool before = inside;
    inside = inside || parts > 1;
    for (int part = 0; part < parts; part++) run(context, part);
    inside = before;
    return;
  }
  inside = true;
  publish(parts, run, context);
  run_parts();
  await_parts(parts);
  inside = false;
  atomic_store(&pool.busy, false);
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static int processors(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static int lanes_at_first(void) {
  const char *keep = getenv("MLP_KEEP_BLAS_THREADS"), *wanted = getenv("MLP_THREADS");
  int lanes = wanted ? atoi(wanted) : 0;
  if (keep && strcmp(keep, "1") == 0) return 1;
  if (lanes < 1) lanes = processors();
  return lanes < 1 ? 1 : lanes > MLP_MOST_LANES ? MLP_MOST_LANES : lanes;
}

int mlp_lanes(void) {
  int lanes = atomic_load_explicit(&pool.lanes, memory_order_relaxed), none = 0;
  if (lanes > 0) return lanes;
  lanes = lanes_at_first();
  return atomic_compare_exchange_strong(&pool.lanes, &none, lanes) ? lanes : none;
}

void mlp_set_lanes(int lanes) { atomic_store(&pool.lanes, lanes); }

void mlp_set_threads(int threads) { atomic_store(&pool.most, threads); }

int mlp_free_lanes(void) { return inside ? 1 : mlp_lanes(); }

int64_t mlp_share(int64_t n, int64_t grain, int parts, int part, int64_t *first) {
  int64_t grains = (n + grain - 1) / grain;
  int64_t from = grains * part / parts * grain, to = grains * (part + 1) / parts * grain;
  *first = from < n ? from : n;
  return (to < n ? to : n) - *first;
}
