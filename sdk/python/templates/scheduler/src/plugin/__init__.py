"""Places each role of the runtime metadata on the least busy peers, as evenly as it can, and leaves where it is what stands."""

from verwalter import log, scheduler

from .config import Config
from .decide import Ranking
from .roles import Role, read_roles


def schedule(input: scheduler.Input) -> scheduler.Answer:
    config = Config.read(input.config)
    roles = read_roles(input.runtime)
    answer = scheduler.Answer(input)
    if not roles:
        return answer
    ranking = Ranking(input.peers.required_column("cpu"), config.max_busy)
    for role in roles:
        before = input.placed(role.name)
        after, missing = ranking.decide(before, role.instances)
        tell(answer, role, before, after)
        if missing:
            log.warn(f"{role.name}: {role.instances - missing} placed, {missing} missing")
        else:
            log.info(f"{role.name}: {role.instances} placed")
    return answer


def tell(answer: scheduler.Answer, role: Role, before: list[int], after: list[int]) -> None:
    """Puts a role, its placements and why they stand where they stand into the answer."""
    told = answer.role(role.name, **role.vars)
    if role.template is not None:
        told.set(template=role.template)
    for peer, (kept, instances) in enumerate(zip(before, after)):
        if instances:
            told.place(peer, instances, why=reason(kept, instances))


def reason(before: int, after: int) -> str:
    if before == 0:
        return "new"
    return "kept" if after <= before else f"{before} kept, {after - before} new"


Scheduling, WitWorld = scheduler.export(
    name="sample-scheduler",
    version="0.1.0",
    reads=["runtime"],
    schedule=schedule,
    check_config=Config.read,
)
