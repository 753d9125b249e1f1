"""A bench as one page that needs nothing else: no network, no script."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tfport import __version__
from tfport.bench import charts, ratios, table
from tfport.bench.cycles import costs, models
from tfport.bench.data import HERE, load
from tfport.bench.results import Results

TEMPLATE = "page.html.jinja"


def render(results: Results) -> str:
    """The page."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.lstrip_blocks = True
    return environment.get_template(TEMPLATE).render(
        results=results,
        version=__version__,
        article=charts.against_article(results),
        networks=charts.by_network(results),
        operators=charts.by_operator(results),
        legend=list(enumerate(charts.OPERATORS)),
        groups=charts.groups(results),
        group_names=[*load("operators.toml")["group"], "rest"],
        head=table.HEAD,
        ratio_head=ratios.HEAD,
        ratios=ratios.lines(results),
        rows=list(zip(results.rows, table.rows(results))),
        costs=costs(),
        modelled=models(results.core),
    )
