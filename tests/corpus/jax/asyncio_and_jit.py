# captured: f
import asyncio

import jax


@jax.jit
def f(x):
    return x * x


async def work(n):
    return int(await asyncio.to_thread(f, n))


async def main():
    print(await asyncio.gather(*(work(n) for n in range(5))))


asyncio.run(main())
