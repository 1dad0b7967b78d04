// A list of tasks kept in the browser's storage, with filters and undo.

const STORAGE_KEY = "tasks";
const FILTERS = ["all", "open", "done"];

function loadTasks(storage) {
  const text = storage.getItem(STORAGE_KEY);
  if (text === null) {
    return [];
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    console.warn("stored tasks cannot be read", error);
    return [];
  }
}

function saveTasks(storage, tasks) {
  storage.setItem(STORAGE_KEY, JSON.stringify(tasks));
}

function createTask(id, title) {
  return { id, title, done: false, createdAt: Date.now(), doneAt: null };
}

class TaskList {
  constructor(storage) {
    this.storage = storage;
    this.tasks = loadTasks(storage);
    this.history = [];
    this.listeners = new Set();
    this.filter = "all";
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  notify() {
    for (const listener of this.listeners) {
      listener(this.visible());
    }
  }

  change(tasks) {
    this.history.push(this.tasks);
    this.tasks = tasks;
    saveTasks(this.storage, tasks);
    this.notify();
  }

  undo() {
    const previous = this.history.pop();
    if (previous === undefined) {
      return false;
    }
    this.tasks = previous;
    saveTasks(this.storage, previous);
    this.notify();
    return true;
  }

  nextId() {
    return this.tasks.reduce((largest, task) => Math.max(largest, task.id), 0) + 1;
  }

  add(title) {
    const trimmed = title.trim();
    if (trimmed === "") {
      throw new Error("a task needs a title");
    }
    const task = createTask(this.nextId(), trimmed);
    this.change([...this.tasks, task]);
    return task;
  }

  rename(id, title) {
    const trimmed = title.trim();
    if (trimmed === "") {
      throw new Error("a task needs a title");
    }
    this.change(this.tasks.map((task) => (task.id === id ? { ...task, title: trimmed } : task)));
  }

  toggle(id) {
    this.change(
      this.tasks.map((task) => {
        if (task.id !== id) {
          return task;
        }
        const done = !task.done;
        return { ...task, done, doneAt: done ? Date.now() : null };
      }),
    );
  }

  remove(id) {
    this.change(this.tasks.filter((task) => task.id !== id));
  }

  clearDone() {
    this.change(this.tasks.filter((task) => !task.done));
  }

  setFilter(filter) {
    if (!FILTERS.includes(filter)) {
      throw new Error(`unknown filter: ${filter}`);
    }
    this.filter = filter;
    this.notify();
  }

  visible() {
    if (this.filter === "open") {
      return this.tasks.filter((task) => !task.done);
    }
    if (this.filter === "done") {
      return this.tasks.filter((task) => task.done);
    }
    return this.tasks;
  }

  counts() {
    const done = this.tasks.filter((task) => task.done).length;
    return { all: this.tasks.length, open: this.tasks.length - done, done };
  }
}

module.exports = { TaskList, createTask, loadTasks, saveTasks };
