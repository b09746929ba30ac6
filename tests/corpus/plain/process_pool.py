from concurrent.futures import ProcessPoolExecutor


def fails(n):
    return 1 // n


if __name__ == "__main__":
    with ProcessPoolExecutor(1) as pool:
        print(pool.submit(fails, 1).result())
        print(type(pool.submit(fails, 0).exception()).__name__)
