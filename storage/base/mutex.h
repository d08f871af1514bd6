#pragma once

// A mutex that says what it guards. clang holds every access to that (`-Wthread-safety`, run by
// tools/thread_safety); g++ compiles the annotations away.
//
//   class Queue {
//     void put(int item) { const MutexLock lock(mutex_); items_.push_back(item); }
//     Mutex mutex_;
//     std::vector<int> items_ SLUICE_GUARDED_BY(mutex_);
//   };
//
// Source: https://clang.llvm.org/docs/ThreadSafetyAnalysis.html

#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define SLUICE_THREAD_ANNOTATION(attribute) __attribute__((attribute))
#else
#define SLUICE_THREAD_ANNOTATION(attribute)
#endif

// On a member: touched only while `mutex` is held.
#define SLUICE_GUARDED_BY(mutex) SLUICE_THREAD_ANNOTATION(guarded_by(mutex))
// On a function, or behind a lambda's parameters: called only while `...` is held.
#define SLUICE_REQUIRES(...) SLUICE_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
// The same, for a function that only reads.
#define SLUICE_REQUIRES_SHARED(...) \
  SLUICE_THREAD_ANNOTATION(requires_shared_capability(__VA_ARGS__))
// On a function: called only while `...` is not held, since the function takes it.
#define SLUICE_EXCLUDES(...) SLUICE_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define SLUICE_CAPABILITY(name) SLUICE_THREAD_ANNOTATION(capability(name))
#define SLUICE_SCOPED_CAPABILITY SLUICE_THREAD_ANNOTATION(scoped_lockable)
#define SLUICE_ACQUIRE(...) SLUICE_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define SLUICE_RELEASE(...) SLUICE_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define SLUICE_ACQUIRE_SHARED(...) SLUICE_THREAD_ANNOTATION(acquire_shared_capability(__VA_ARGS__))
// Releases what is held, shared or not.
#define SLUICE_RELEASE_ANY(...) SLUICE_THREAD_ANNOTATION(release_generic_capability(__VA_ARGS__))

namespace sluice {

class SLUICE_CAPABILITY("mutex") Mutex {
 public:
  void lock() SLUICE_ACQUIRE() { mutex_.lock(); }
  void unlock() SLUICE_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Holds a Mutex for a scope. A ConditionVariable waits with it.
class SLUICE_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SLUICE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() SLUICE_RELEASE() {
    if (held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void lock() SLUICE_ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }
  void unlock() SLUICE_RELEASE() {
    held_ = false;
    mutex_.unlock();
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

// Held by many that read, or by one that writes.
class SLUICE_CAPABILITY("mutex") SharedMutex {
 public:
  void lock() SLUICE_ACQUIRE() { mutex_.lock(); }
  void unlock() SLUICE_RELEASE() { mutex_.unlock(); }
  void lock_shared() SLUICE_ACQUIRE_SHARED() { mutex_.lock_shared(); }
  void unlock_shared() SLUICE_RELEASE_ANY() { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

class SLUICE_SCOPED_CAPABILITY ReadLock {
 public:
  explicit ReadLock(SharedMutex& mutex) SLUICE_ACQUIRE_SHARED(mutex) : mutex_(mutex) {
    mutex_.lock_shared();
  }
  ~ReadLock() SLUICE_RELEASE_ANY() { mutex_.unlock_shared(); }
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class SLUICE_SCOPED_CAPABILITY WriteLock {
 public:
  explicit WriteLock(SharedMutex& mutex) SLUICE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~WriteLock() SLUICE_RELEASE() { mutex_.unlock(); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

 private:
  SharedMutex& mutex_;
};

// Waits with a MutexLock, also until a std::stop_token is set. A predicate that reads guarded
// members says so: `[this]() SLUICE_REQUIRES(mutex_) { return !items_.empty(); }`.
using ConditionVariable = std::condition_variable_any;

}  // namespace sluice
