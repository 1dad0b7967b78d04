"""The ledger's rules once more, for one core after the other in plain loops.

Follows the docstrings of `engine.wafer.cost.ledger` and `lines`; shares no array code with them.
"""

from math import ceil

MAC, VECTOR, COMM, PIPE = range(4)


class SlowLedger:
    """Clocks, entries and booked cycles by core; dictionaries from (row, column)."""

    def __init__(self, machine, height, width, kv, keeps):
        self.machine, self.height, self.width, self.kv, self.keeps = (
            machine, height, width, kv, keeps,
        )  # fmt: skip
        self.cores = [(row, column) for row in range(height) for column in range(width)]
        self.clock = dict.fromkeys(self.cores, 0)
        self.enter = dict.fromkeys(self.cores)
        self.fixed = {core: [0] * 4 for core in self.cores}
        self.per_kv = {core: [0] * 4 for core in self.cores}
        self.departures = [machine.dispatch_cycles] * height

    # ── what a stream takes ─────────────────────────────────────────────────────────────────

    def stage(self, hops):
        return ceil(1 + 2 * self.machine.ramp_cycles + hops * self.machine.hop_cycles)

    @staticmethod
    def lasting(wavelets, rate):
        return ceil((wavelets - 1) * rate) + 1 if wavelets else 0

    def enters(self, core, cycle):
        if self.enter[core] is None:
            self.enter[core] = cycle

    # ── micro-steps ─────────────────────────────────────────────────────────────────────────

    def work(self, cores, mac, vector, pipe, *, kv=(0, 0), keep=(0, 0)):
        """``mac``, ``vector`` and ``pipe`` by core."""
        for core in cores:
            own = mac[core] + vector[core] + pipe[core]
            own += sum(keep) if self.keeps[core[0]] else 0
            if not own and not sum(kv):
                continue
            self.enters(core, self.clock[core])
            task = self.machine.task_cycles
            self.clock[core] += own + task + self.kv[core[0]] * sum(kv)
            for state, cycles in ((MAC, mac), (VECTOR, vector), (PIPE, pipe)):
                self.fixed[core][state] += cycles[core]
            self.fixed[core][PIPE] += task
            for state, cycles in zip((MAC, VECTOR), kv, strict=True):
                self.per_kv[core][state] += cycles

    def reduce(self, line, group, wavelets, kv_wavelets, pitch):
        """``line``: its cores, the root first."""
        count = wavelets + kv_wavelets * self.kv[line[0][0]]
        if len(line) < 2 or not count:
            return
        machine = self.machine
        inject, add = machine.inject_cycles_per_wavelet, machine.add_fp32_cycles_per_wavelet
        sent, added = self.lasting(count, inject), self.lasting(count, add)
        passed = self.lasting(count, max(inject, add))
        group = len(line) if group == 1 else min(group, len(line))
        begins, ends, first = {}, {}, {}
        for place in reversed(range(len(line))):
            begins[place] = self.clock[line[place]] + machine.dispatch_cycles
            if place + 1 < len(line) and (place + 1) % group:
                begins[place] = max(begins[place], begins[place + 1] + self.stage(pitch))
            first[place] = begins[place]
            if place % group == 0 and place + group < len(line):  # a root takes the next one's too
                own = begins[place] + passed + machine.dispatch_cycles
                first[place] = max(own, first[place + group] + self.stage(group * pitch))
            ends[place] = first[place] + passed
        for place, core in enumerate(line):
            twice = place % group == 0 and place + group < len(line)
            leaf = (place + 1) % group == 0 or place + 1 == len(line)
            comm = sent if leaf and not twice else passed
            if twice:
                comm = added + (added if place == 0 else passed)
            elif place == 0:
                comm = added
            self.streams(core, ends[place], comm, 1 + twice, booked=not kv_wavelets)

    def multicast(self, line, wavelets, kv_wavelets, pitch):
        count = wavelets + kv_wavelets * self.kv[line[0][0]]
        if len(line) < 2 or not count:
            return
        machine = self.machine
        sent = self.lasting(count, machine.inject_cycles_per_wavelet)
        leaves = self.clock[line[0]] + machine.dispatch_cycles
        for place, core in enumerate(line):
            start = self.clock[core] + machine.dispatch_cycles
            if place:
                start = max(start, leaves + self.stage(place * pitch))
            comm = count if place else sent
            self.streams(core, start + sent, comm, 1, booked=not kv_wavelets)

    def streams(self, core, end, comm, instructions, *, booked):
        dispatch = instructions * self.machine.dispatch_cycles
        self.enters(core, end - comm - dispatch)
        self.clock[core] = end
        if booked:
            self.fixed[core][COMM] += comm
            self.fixed[core][PIPE] += dispatch

    def send(self, wavelets):
        """Of the west line, by row."""
        for row, count in enumerate(wavelets):
            start = self.clock[row, 0] + self.machine.dispatch_cycles
            self.departures[row] = start
            if count:
                lasting = self.lasting(count, self.machine.inject_cycles_per_wavelet)
                self.streams((row, 0), start + lasting, lasting, 1, booked=True)

    def receive(self, core, hops, count, link):
        machine = self.machine
        come = self.departures[core[0]] + ceil(hops * machine.hop_cycles) + self.stage(0) + link
        self.take(core, max(self.clock[core] + machine.dispatch_cycles, come), count, come)

    def take(self, core, start, count, come=None):
        """``come``: when the first wavelet came, if others wait behind it; None: at ``start``."""
        if count:
            lasting = self.lasting(count, self.machine.inject_cycles_per_wavelet)
            ends = start + lasting if come is None else max(start + count, come + lasting)
            self.streams(core, ends, count, 1, booked=True)

    def look_up(self, column, wavelets, vector, pipe):
        """``wavelets``, ``vector`` and ``pipe`` by row; ``column`` is timed as the owner."""
        none = dict.fromkeys(self.cores, 0)
        self.work(self.cores, none, dict.fromkeys(self.cores, 1), none)
        for row in range(self.height):
            found = self.clock[row, column] + vector[row] + pipe[row]
            if not column:
                self.clock[row, 0] = found
                continue
            dispatch = self.machine.dispatch_cycles
            come = found + dispatch + self.stage(column)
            self.take((row, 0), max(self.clock[row, 0] + dispatch, come), wavelets[row])
