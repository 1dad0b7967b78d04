"""A cache of values that grow old, with a limit of entries and counts of what happened."""

import threading
import time
from collections import OrderedDict
from typing import Any, Callable, Hashable, Iterator, Optional


class CacheStats:
    """Counts of what a cache was asked for."""

    def __init__(self):
        self.hits = 0
        self.misses = 0
        self.evictions = 0
        self.expirations = 0

    def hit_rate(self):
        """Return the share of lookups that found a value."""
        lookups = self.hits + self.misses
        if lookups == 0:
            return 0.0
        return self.hits / lookups

    def reset(self):
        """Set all counts to zero."""
        self.hits = 0
        self.misses = 0
        self.evictions = 0
        self.expirations = 0

    def as_dict(self):
        """Return the counts by name."""
        return {
            "hits": self.hits,
            "misses": self.misses,
            "evictions": self.evictions,
            "expirations": self.expirations,
            "hit_rate": self.hit_rate(),
        }


class Entry:
    """A value and the time at which it expires."""

    __slots__ = ("value", "expires_at")

    def __init__(self, value: Any, expires_at: Optional[float]):
        self.value = value
        self.expires_at = expires_at

    def is_expired(self, now: float) -> bool:
        """Return whether the value is too old."""
        return self.expires_at is not None and now >= self.expires_at


class ExpiringCache:
    """A thread-safe cache that forgets the entries used longest ago."""

    def __init__(
        self,
        max_entries: int = 128,
        ttl_seconds: Optional[float] = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        if max_entries <= 0:
            raise ValueError("max_entries must be positive")
        if ttl_seconds is not None and ttl_seconds <= 0:
            raise ValueError("ttl_seconds must be positive")
        self.max_entries = max_entries
        self.ttl_seconds = ttl_seconds
        self.stats = CacheStats()
        self._clock = clock
        self._entries: "OrderedDict[Hashable, Entry]" = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, default: Any = None) -> Any:
        """Return the value of a key, or the default if there is none."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self.stats.misses += 1
                return default
            if entry.is_expired(self._clock()):
                del self._entries[key]
                self.stats.expirations += 1
                self.stats.misses += 1
                return default
            self._entries.move_to_end(key)
            self.stats.hits += 1
            return entry.value

    def put(self, key: Hashable, value: Any, ttl_seconds: Optional[float] = None) -> None:
        """Remember a value."""
        ttl = self.ttl_seconds if ttl_seconds is None else ttl_seconds
        expires_at = None if ttl is None else self._clock() + ttl
        with self._lock:
            self._entries[key] = Entry(value, expires_at)
            self._entries.move_to_end(key)
            while len(self._entries) > self.max_entries:
                self._entries.popitem(last=False)
                self.stats.evictions += 1

    def get_or_compute(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Return the value of a key; compute and remember it if there is none."""
        missing = object()
        value = self.get(key, missing)
        if value is missing:
            value = compute()
            self.put(key, value)
        return value

    def remove(self, key: Hashable) -> bool:
        """Forget a key; return whether it was there."""
        with self._lock:
            return self._entries.pop(key, None) is not None

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    def remove_expired(self) -> int:
        """Forget all entries that are too old; return how many there were."""
        now = self._clock()
        with self._lock:
            expired = [key for key, entry in self._entries.items() if entry.is_expired(now)]
            for key in expired:
                del self._entries[key]
            self.stats.expirations += len(expired)
            return len(expired)

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            entry = self._entries.get(key)
            return entry is not None and not entry.is_expired(self._clock())

    def __iter__(self) -> Iterator[Hashable]:
        with self._lock:
            return iter(list(self._entries))
