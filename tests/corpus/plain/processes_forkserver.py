import multiprocessing
import os


def square(n):
    return n * n


if __name__ == "__main__":
    context = multiprocessing.get_context("forkserver")
    with context.Pool(2) as pool:
        print(pool.map(square, range(5)), os.getpid() == multiprocessing.current_process().pid)
    worker = context.Process(target=os._exit, args=(5,))
    worker.start()
    worker.join()
    print(worker.exitcode)
