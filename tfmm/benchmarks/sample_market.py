"""The generated market on which the stages are measured, with about 280 events a second as a crypto perpetual has."""

import pathlib

from tfmm.config import agent as agent_lib, environment as environment_lib, experiment as experiment_lib, loading
from tfmm.environments.tape.task import TapeTask
from tfmm.market import generator, schema
from tfmm.market.ingest import store_writer
from tfmm.market.tape import Tape

STEP_S = 0.1
"""Between quotes, replayed and of environments."""
INSTRUMENT = schema.Instrument(symbol="SIM", tick_size=generator.TICK_SIZE, lot_size=generator.LOT_SIZE)
_ACCELERATION = 30  # of the generated time
_SESSION_HOURS = 8.0  # before the acceleration


def task(folder: pathlib.Path) -> TapeTask:
    """A task on a store of three sessions in a new folder, with the network sizes of the notebook."""

    def sessions():
        for day in range(3):
            name, market = session(day, _SESSION_HOURS)
            yield name, market, {}

    store_writer.create(folder, [INSTRUMENT], sessions())
    agent = agent_lib.Ddpg(actor_layers=(400, 300), critic_observation_layers=(400,), critic_joint_layers=(300,))
    environment = environment_lib.Environment(interval_s=STEP_S, window_s=60.0, warmup_s=3.0)
    config = loading.with_store(experiment_lib.Config(agent=agent, environment=environment), folder)
    return TapeTask.create(config)


def session(day: int, hours: float) -> tuple[str, Tape]:
    """(name, tape) of a generated session; hours: before the acceleration."""
    name, quotes, trades = generator.session(day, seed=1, hours=hours)
    for frame in (quotes, trades):
        frame["ts"] = frame["ts"].iloc[0] + (frame["ts"] - frame["ts"].iloc[0]) // _ACCELERATION
    return name, Tape.from_frames(quotes, trades, INSTRUMENT)
